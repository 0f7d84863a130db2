package wasmill

import (
	"time"

	"wasmill/internal/bindings/wasmill_plugin_types"
	"wasmill/internal/convert"
	"wasmill/internal/text"
	witTypes "wasmill/internal/wit/types"
)

// Between the words of this package and those of the bindings.

type witError = wasmill_plugin_types.Error

func liftMessage(message wasmill_plugin_types.Message) *Message {
	return &Message{
		ID:           message.Id,
		Topic:        message.Topic,
		Subscription: message.Subscription,
		Key:          message.Key.SomeOr(""),
		Tag:          message.Tag.SomeOr(""),
		Headers:      convert.LiftPairs(message.Headers),
		Body:         message.Body,
		ProducedAt:   time.UnixMilli(int64(message.ProducedAt)),
		Attempt:      int(message.Attempt),
		Correlation:  message.Correlation,
		Causation:    message.Causation.SomeOr(""),
	}
}

func lowerOutgoing(message Outgoing) wasmill_plugin_types.Outgoing {
	return wasmill_plugin_types.Outgoing{
		Topic:   message.Topic,
		Key:     convert.LowerText(message.Key),
		Tag:     convert.LowerText(message.Tag),
		Headers: convert.LowerPairs(message.Headers),
		Body:    message.Body,
		When:    lowerDelivery(message.When),
	}
}

func lowerDelivery(when Delivery) wasmill_plugin_types.Delivery {
	switch when.kind {
	case deliverAfter:
		return wasmill_plugin_types.MakeDeliveryAfter(millis(time.Duration(when.number)))
	case deliverAt:
		return wasmill_plugin_types.MakeDeliveryAt(uint64(when.number))
	case deliverLevel:
		return wasmill_plugin_types.MakeDeliveryLevel(uint8(when.number))
	default:
		return wasmill_plugin_types.MakeDeliveryNow()
	}
}

// LowerResult is what a handler or a migration that returned err is answered with. Packages that export
// more than a handler use it.
func LowerResult(err error) witTypes.Result[witTypes.Unit, wasmill_plugin_types.Failure] {
	if err != nil {
		return witTypes.Err[witTypes.Unit](lowerFailure(FailureOf(err)))
	}
	return witTypes.Ok[witTypes.Unit, wasmill_plugin_types.Failure](witTypes.Unit{})
}

func lowerFailure(failure *Failure) wasmill_plugin_types.Failure {
	cause := text.ForPeople(failure.Cause)
	switch {
	case failure.Dead:
		return wasmill_plugin_types.MakeFailureReject(cause)
	case failure.Delay != nil:
		later := wasmill_plugin_types.RetryLater{Delay: millis(*failure.Delay), Cause: cause}
		return wasmill_plugin_types.MakeFailureRetryAfter(later)
	default:
		return wasmill_plugin_types.MakeFailureRetry(cause)
	}
}

// liftResult turns a result into Go's two values.
func liftResult[T any](result witTypes.Result[T, witError]) (value T, err error) {
	if result.IsErr() {
		return value, liftError(result.Err())
	}
	return result.Ok(), nil
}

func liftError(err witError) error {
	switch err.Tag() {
	case wasmill_plugin_types.ErrorLimit:
		over := err.Limit()
		return &LimitError{What: over.What, Limit: over.Limit, Actual: over.Actual}
	case wasmill_plugin_types.ErrorUnknownTopic:
		return &UnknownTopicError{err.UnknownTopic()}
	case wasmill_plugin_types.ErrorInvalid:
		return &InvalidError{err.Invalid()}
	case wasmill_plugin_types.ErrorUnavailable:
		return &UnavailableError{err.Unavailable()}
	default:
		return ErrNoKey
	}
}
