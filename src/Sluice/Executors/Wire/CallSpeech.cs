namespace Sluice;

/// <summary>Writes the frames of calls.</summary>
internal static class CallSpeech
{
    public static void Say(this FrameSender sender, CallFrame kind, long call, params ReadOnlySpan<long> numbers)
    {
        lock (sender.Sync)
        {
            FrameWriter to = sender.Filling;
            int start = to.Begin((byte)kind, call);
            foreach (long number in numbers) to.Write(number);
            to.End(start);
        }
        sender.Tell();
    }

    public static void Say(this FrameSender sender, CallFrame kind, long call, ReadOnlySpan<byte> bytes)
    {
        lock (sender.Sync)
        {
            FrameWriter to = sender.Filling;
            int start = to.Begin((byte)kind, call);
            to.Write(bytes);
            to.End(start);
        }
        sender.Tell();
    }

    public static void Say(this FrameSender sender, CallFrame kind, long call, long number, ReadOnlySpan<byte> bytes)
    {
        lock (sender.Sync)
        {
            FrameWriter to = sender.Filling;
            int start = to.Begin((byte)kind, call);
            to.Write(number);
            to.Write(bytes);
            to.End(start);
        }
        sender.Tell();
    }

    /// <param name="sender">Sends it.</param>
    /// <param name="kind">A kind that is about a failure.</param>
    /// <param name="call">The call.</param>
    /// <param name="question">What was asked for; null if nothing was.</param>
    /// <param name="failure">The failure.</param>
    public static void Say(this FrameSender sender, CallFrame kind, long call, long? question, CallFailure failure)
    {
        lock (sender.Sync)
        {
            FrameWriter to = sender.Filling;
            int start = to.Begin((byte)kind, call);
            if (question is { } number) to.Write(number);
            failure.Write(to);
            to.End(start);
        }
        sender.Tell();
    }

    /// <summary>Answers with values.</summary>
    public static void SayValues(this FrameSender sender, long call, long question, bool isComplete, ReadOnlyMemory<Entry> values)
    {
        lock (sender.Sync)
        {
            FrameWriter to = sender.Filling;
            int start = to.Begin((byte)CallFrame.Answer, call);
            to.Write(question);
            to.Write((byte)(isComplete ? 1 : 0));
            foreach (ref readonly Entry value in values.Span)
            {
                to.Write(value.Sequence);
                to.Write((long)value.Generation);
                to.WriteSized(value.Payload.Span);
            }
            to.End(start);
        }
        sender.Tell();
    }

    /// <summary>Reads what <see cref="SayValues"/> has written.</summary>
    /// <param name="answer">Belongs to the values from now on.</param>
    /// <param name="isComplete">Whether the stream is complete.</param>
    public static Entry[] ReadValues(byte[] answer, out bool isComplete)
    {
        ReadOnlySpan<byte> rest = answer;
        isComplete = FrameReader.Flag(ref rest);
        var values = new List<Entry>();
        while (!rest.IsEmpty)
        {
            long sequence = FrameReader.Number(ref rest), generation = FrameReader.Number(ref rest);
            int length = FrameReader.Sized(ref rest).Length;
            values.Add(new Entry { Sequence = sequence, Generation = (int)generation, Payload = answer.AsMemory(answer.Length - rest.Length - length, length) });
        }
        return [.. values];
    }
}
