namespace Sluice;

/// <summary>What kinds of failures are told apart on the other side. None of them is made from a name.</summary>
internal enum FailureKind : byte
{
    /// <summary>Whatever the function has thrown.</summary>
    Other = 1,
    Flow,
    Different,
    Cancelled,
    Payload,
    Misuse,
}

/// <summary>A failure on its way to another process, as text.</summary>
/// <param name="Id">Which of the failures that were sent to the child this is, so that it comes back as it was; zero if none.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Type">The type of the exception, to be read by people.</param>
/// <param name="Message">What it says.</param>
/// <param name="Processor">Of a failure that has come with a stream: where it began; else empty.</param>
/// <param name="IsCancelled">Whether that was cancelled.</param>
/// <param name="Details">Where it was thrown.</param>
internal sealed record CallFailure(long Id, FailureKind Kind, string Type, string Message, string Processor, bool IsCancelled, string Details)
{
    private const int MaxMessage = 8 << 10;
    private const int MaxDetails = 16 << 10;

    public static CallFailure Of(Exception e, long id = 0)
    {
        FailureKind kind = e switch
        {
            NondeterministicReplayException => FailureKind.Different,
            FlowException => FailureKind.Flow,
            OperationCanceledException => FailureKind.Cancelled,
            PayloadException => FailureKind.Payload,
            InvalidOperationException when id > 0 => FailureKind.Misuse,
            _ => FailureKind.Other,
        };
        var flow = e as FlowException;
        return new(id, kind, e.GetType().Name, Cut(e.Message, MaxMessage), flow?.Processor ?? "", flow?.IsCancelled == true, kind == FailureKind.Other ? Cut(e.ToString(), MaxDetails) : "");
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
        string type = FrameReader.Text(ref frame), message = FrameReader.Text(ref frame), processor = FrameReader.Text(ref frame), details = FrameReader.Text(ref frame);
        return new(id, kind, type, message, processor, isCancelled, details);
    }

    /// <summary>As far as its kind is known, the same exception; else one that says the same.</summary>
    public Exception ToException(string run)
    {
        string? origin = Processor.Length == 0 ? null : Processor;
        return Kind switch
        {
            FailureKind.Flow => new FlowException(Message) { Run = run, Processor = origin, IsCancelled = IsCancelled },
            FailureKind.Different => new NondeterministicReplayException(Message) { Run = run, Processor = origin, IsCancelled = IsCancelled },
            FailureKind.Cancelled => new OperationCanceledException(Message),
            FailureKind.Payload => new PayloadException(Message),
            FailureKind.Misuse => new InvalidOperationException(Message),
            _ => new ChildFunctionException($"{Type}: {Message}", Details) { Run = run },
        };
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : string.Concat(text.AsSpan(0, most), "…");
}

/// <summary>What a function has thrown in another process.</summary>
/// <param name="message">Type and message.</param>
/// <param name="details">With the places in the code, for those who wrote it.</param>
internal sealed class ChildFunctionException(string message, string details) : FlowException(message)
{
    public override string ToString() => $"in a child process, {details}";
}
