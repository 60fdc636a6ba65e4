namespace Sluice;

/// <summary>What both sides of a function's execution in another process keep to.</summary>
internal static class CallLimits
{
    /// <summary>How many values of an output may be on their way.</summary>
    public const int MaxValues = 512;

    /// <summary>How many bytes of an output may be on their way, before one more value.</summary>
    public const int MaxBytes = 256 << 10;

    /// <summary>After how many values, or bytes, the child is told that there is room again: far less than what it may have on its way.</summary>
    public const int CreditValues = 64;
    public const int CreditBytes = 64 << 10;

    /// <summary>How many bytes of choices go in one frame.</summary>
    public const int ChoiceBytes = (256 << 10) / ChoiceReplay.Record * ChoiceReplay.Record;

    /// <summary>What a frame with a message of a call begins with; behind it stand the call's number, eight bytes, and the message.</summary>
    public const byte Message = 32;

    /// <summary>Takes the number of the call off the front of a frame, and leaves the message.</summary>
    /// <exception cref="InvalidDataException">It is no message of a call.</exception>
    public static long Open(ref ReadOnlySpan<byte> frame)
    {
        if (frame[0] != Message) throw new InvalidDataException($"a frame of the kind {frame[0]}.");
        frame = frame[1..];
        long number = FrameReader.Number(ref frame);
        return frame.IsEmpty ? throw new InvalidDataException("A frame is cut off.") : number;
    }

    /// <summary>Sends a message of a call.</summary>
    public static void Say(this FrameSender sender, long call, ReadOnlySpan<byte> message)
    {
        lock (sender.Sync)
        {
            FrameWriter to = sender.Filling;
            int start = to.Begin(Message, call);
            to.Write(message);
            to.End(start);
        }
        sender.Tell();
    }

    /// <summary>The longest frame: one value, and what may stand beside it.</summary>
    public static long MaxFrame(int maxValueBytes) => maxValueBytes + (2L << 20);
}
