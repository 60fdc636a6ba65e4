using Sluice.ChildProcesses;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>Limits and framing that both sides of a call in a child process use.</summary>
internal static class CallLimits
{
    /// <summary>The largest number of values of an output in transit.</summary>
    public const int MaxValues = 512;

    /// <summary>The bytes of an output in transit from which no further value is sent.</summary>
    public const int MaxBytes = 256 << 10;

    /// <summary>The number of values, or bytes, after which a credit is sent: far less than may be in transit.</summary>
    public const int CreditValues = 64;
    public const int CreditBytes = 64 << 10;

    /// <summary>The largest number of bytes of choices in one frame.</summary>
    public const int ChoiceBytes = (256 << 10) / ChoiceReplay.Record * ChoiceReplay.Record;

    /// <summary>The first byte of a frame with a message; the number of the call (8 bytes) and the message follow.</summary>
    public const byte Message = 32;

    /// <summary>Removes the number of the call from the front of a frame, which leaves the message.</summary>
    /// <exception cref="InvalidDataException">The frame has no message of a call.</exception>
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
            try
            {
                to.Write(message);
                to.End(start);
            }
            catch
            {
                to.Truncate(start);                  // a begun frame would damage those of all calls
                throw;
            }
        }
        sender.Tell();
    }

    /// <summary>The largest frame: one value, and room for the rest of its message.</summary>
    public static long MaxFrame(int maxValueBytes) => maxValueBytes + (2L << 20);
}
