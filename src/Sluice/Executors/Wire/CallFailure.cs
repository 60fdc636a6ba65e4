using Sluice.ChildProcesses;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>The kinds of failures that keep their type on the other side. No exception type is loaded by name.</summary>
internal enum FailureKind : byte
{
    /// <summary>Any other exception of the function.</summary>
    Other = 1,
    Flow,
    Different,
    Cancelled,
    Payload,
    Misuse,
}

/// <summary>A failure in a message, as text.</summary>
/// <param name="Id">The id of a failure that was sent to the remote side, by which the original is found again; 0 for none.</param>
/// <param name="Kind">The kind of failure.</param>
/// <param name="Type">The name of the exception's type, for people.</param>
/// <param name="Message">The message of the exception.</param>
/// <param name="Processor">The processor that failed first, if the failure came with a stream; otherwise empty.</param>
/// <param name="IsCancelled">Whether the run was cancelled.</param>
/// <param name="Details">The exception with its stack trace; empty for known kinds.</param>
internal sealed record CallFailure(long Id, FailureKind Kind, string Type, string Message, string Processor, bool IsCancelled,
    string Details)
{
    private const int MaxType = 200;
    private const int MaxMessage = 8 << 10;
    private const int MaxDetails = 16 << 10;

    /// <param name="e">The failure.</param>
    /// <param name="id">The id of a failure that was sent to the remote side, if it is one.</param>
    /// <param name="isOwn">Whether a cancellation is the function's own, such as the timeout of a request, and not the
    /// service's.</param>
    /// <param name="run">The run of the function that has failed. A failure of another run, which the function has started, is the
    /// function's.</param>
    public static CallFailure Of(Exception e, long id = 0, bool isOwn = false, string? run = null)
    {
        FlowException? flow = run is not null && StreamFailures.IsOfAnotherRun(e, run) ? null : e as FlowException;
        FailureKind kind = e switch
        {
            NondeterministicReplayException when flow is not null => FailureKind.Different,
            FlowException => FailureKind.Flow,
            OperationCanceledException when !isOwn || id > 0 => FailureKind.Cancelled,
            PayloadException => FailureKind.Payload,
            InvalidOperationException when id > 0 => FailureKind.Misuse,
            _ => FailureKind.Other,
        };
        return new(id, kind, e.GetType().Name, ShortText.Of(FailureText.MessageOf(e), MaxMessage), flow?.Processor ?? "",
            flow?.IsCancelled == true,
            kind == FailureKind.Other ? ShortText.Of(FailureText.AllOf(e), MaxDetails) : "");
    }

    public void Write(FrameWriter to)
    {
        to.Write(Id);
        to.Write((byte)Kind);
        to.Write((byte)(IsCancelled ? 1 : 0));
        to.Write(Type);
        to.Write(Message);
        to.Write(Processor);
        to.Write(Details);
    }

    public static CallFailure Read(ReadOnlySpan<byte> frame)
    {
        long id = FrameReader.Number(ref frame);
        if (frame.Length < 2) throw new InvalidDataException("A frame is cut off.");
        var kind = (FailureKind)frame[0];
        bool isCancelled = frame[1] != 0;
        frame = frame[2..];
        string type = FrameReader.Text(ref frame), message = FrameReader.Text(ref frame), processor = FrameReader.Text(ref frame),
            details = FrameReader.Text(ref frame);
        // The other side may be in another language, with limits of its own.
        return new(id, kind, ShortText.Of(type, MaxType), ShortText.Of(message, MaxMessage), ShortText.Of(processor, MaxType), isCancelled,
            ShortText.Of(details, MaxDetails));
    }

    /// <summary>Makes an exception of the known type, or one with the same text.</summary>
    public Exception ToException(string run)
    {
        string? origin = Processor.Length == 0 ? null : Processor;
        return Kind switch
        {
            FailureKind.Flow => new FlowException(Message) { Run = run, Processor = origin, IsCancelled = IsCancelled },
            FailureKind.Different => new NondeterministicReplayException(Message)
            {
                Run = run,
                Processor = origin,
                IsCancelled = IsCancelled
            },
            FailureKind.Cancelled => new OperationCanceledException(Message),
            FailureKind.Payload => new PayloadException(Message),
            FailureKind.Misuse => new InvalidOperationException(Message),
            _ => new ChildFunctionException($"{Type}: {Message}", Details) { Run = run },
        };
    }
}

/// <summary>Thrown for an exception of a function in another process.</summary>
/// <param name="message">The type and the message.</param>
/// <param name="details">The exception with its stack trace.</param>
internal sealed class ChildFunctionException(string message, string details) : FlowException(message)
{
    /// <summary>The exception with its stack trace, as the other process has written it.</summary>
    public string Details => details;

    public override string ToString() => $"in another process, {details}";
}
