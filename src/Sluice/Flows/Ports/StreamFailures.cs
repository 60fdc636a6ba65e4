namespace Sluice.Flows;

/// <summary>Converts failures to ends of streams and back, so that a failure keeps its origin along the flow.</summary>
internal static class StreamFailures
{
    private const int MaxText = 4000;

    /// <summary>The exception for the reader of a failed stream.</summary>
    public static FlowException Of(string run, string stream, string text)
    {
        StreamFailure failure = RunJson.Failure(text);
        string message = failure.IsCancelled ? $"The stream {stream} ended early, because the run {run} was cancelled: {failure.Error}"
            : $"The stream {stream} of the run {run} has "
            + $"failed{(failure.Processor is null ? "" : $", because the processor {failure.Processor} has")}: {failure.Error}";
        return Make(message, run, failure.Processor, failure.IsDifference, failure.IsCancelled);
    }

    /// <summary>The exception for a failed run; a nondeterministic replay keeps its type.</summary>
    public static FlowException Make(string message, string run, string? processor, bool isDifference, bool isCancelled = false)
        => isDifference ? new NondeterministicReplayException(message) { Run = run, Processor = processor, IsCancelled = isCancelled }
            : new FlowException(message) { Run = run, Processor = processor, IsCancelled = isCancelled };

    /// <summary>The exception for a value that cannot be read. A wrong type is the usual cause, unless the payload is damaged.</summary>
    public static FlowException Unreadable(string stream, long number, Type type, string reader, string writer, PayloadException cause)
    {
        string name = TypeNames.Of(type);
        string advice = cause.InnerException is PayloadException ? $"{writer}."
            : $"{writer}, perhaps as another type. Use one type on both sides, for example IOVal.Of<{name}>(\"{stream}\", …).";
        return new($"{reader} cannot read the value {number:N0} of {stream} as {name}. {advice} Details: {cause.Message}", cause);
    }

    /// <summary>The exception for a reader whose values are not in the store any more.</summary>
    public static FlowException Gone(string run, string stream, long from, long missed, bool isResult) => new(
        $"The stream {stream} of the run {run} does not have its values {from:N0} to {from + missed - 1:N0} any more: they left the store "
            + $"when they had been read{(isResult ? ", or after ResultRetentionDuration" : "")}. Read it once, start the run with "
            + "keepOutputs: true, or give the stream Retention.All.")
    { Run = run };

    /// <summary>
    /// The failure for a processor's outputs: the origin's, if the processor only passes on one of its run. A failure of another run, which
    /// the function has started, is a failure of the function.
    /// </summary>
    public static StreamFailure Of(Exception failure, string run, string processor)
    {
        var flow = failure as FlowException;
        FlowException? known = IsOfAnotherRun(failure, run) ? null : flow;
        string? origin = known?.Processor;
        string error = origin is not null && origin != processor ? Cause(known!) : flow is not null ? Short(flow.Message)
            : $"{failure.GetType().Name}: {Short(FailureText.MessageOf(failure))}";
        return new(origin ?? processor, error, known is { IsCancelled: true }) { IsDifference = known is NondeterministicReplayException };
    }

    /// <summary>Whether an exception is the failure of another run.</summary>
    public static bool IsOfAnotherRun(Exception failure, string run) => failure is FlowException { Run: { } other } && other != run;

    /// <summary>The first 4,000 characters of a text of user code. Stores keep 100,000 of the end of a stream.</summary>
    public static string Short(string text) => text.Length <= MaxText ? text : text[..MaxText] + "…";

    // A failure that was passed on has its origin already; otherwise each stream would add a sentence.
    private static string Cause(FlowException failure)
    {
        const string Because = " has: ";
        int at = failure.Message.IndexOf(Because, StringComparison.Ordinal);
        return at < 0 ? failure.Message : failure.Message[(at + Because.Length)..];
    }
}
