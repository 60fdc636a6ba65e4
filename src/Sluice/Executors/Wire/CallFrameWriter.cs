using Sluice.ChildProcesses;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Executors;

/// <summary>Writes the messages of a call: the kind, then its content.</summary>
/// <remarks>Thread-safe: one lock guards the buffer of the message, and the order of sending.</remarks>
/// <param name="send">Sends a message.</param>
/// <param name="fail">Receives, once, the failure of sending; called outside of the lock.</param>
internal sealed class CallFrameWriter(SendMessage send, Action<Exception> fail) : IDisposable
{
    private readonly Lock sync = new();
    private readonly FrameWriter to = new();
    private bool isSending;
    private bool isClosed;

    public void Say(CallFrame kind, params ReadOnlySpan<long> numbers)
    {
        Exception? failure;
        lock (sync)
        {
            if (!Begin(kind)) return;
            foreach (long number in numbers) to.Write(number);
            failure = End();
        }
        Tell(failure);
    }

    public void Say(CallFrame kind, ReadOnlySpan<byte> bytes)
    {
        Exception? failure;
        lock (sync)
        {
            if (!Begin(kind)) return;
            to.Write(bytes);
            failure = End();
        }
        Tell(failure);
    }

    public void Say(CallFrame kind, long number, ReadOnlySpan<byte> bytes)
    {
        Exception? failure;
        lock (sync)
        {
            if (!Begin(kind)) return;
            to.Write(number);
            to.Write(bytes);
            failure = End();
        }
        Tell(failure);
    }

    /// <param name="kind">A kind with a failure as content.</param>
    /// <param name="question">The number of the question; null for none.</param>
    /// <param name="why">The failure.</param>
    public void Say(CallFrame kind, long? question, CallFailure why)
    {
        Exception? failure;
        lock (sync)
        {
            if (!Begin(kind)) return;
            if (question is { } number) to.Write(number);
            why.Write(to);
            failure = End();
        }
        Tell(failure);
    }

    /// <summary>Sends the answer to a read.</summary>
    public void SayValues(long question, bool isComplete, ReadOnlyMemory<Entry> values)
    {
        Exception? failure;
        lock (sync)
        {
            if (!Begin(CallFrame.Answer)) return;
            to.Write(question);
            to.Write((byte)(isComplete ? 1 : 0));
            foreach (ref readonly Entry value in values.Span)
            {
                to.Write(value.Sequence);
                to.Write((long)value.Generation);
                to.WriteSized(value.Payload.Span);
            }
            failure = End();
        }
        Tell(failure);
    }

    /// <summary>Reads the content that <see cref="SayValues"/> has written.</summary>
    /// <param name="answer">The content; the values keep using it.</param>
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
            values.Add(new Entry
            {
                Sequence = sequence,
                Generation = (int)generation,
                Payload = answer.AsMemory(answer.Length - rest.Length - length, length)
            });
        }
        return [.. values];
    }

    /// <summary>Stops sending.</summary>
    public void Dispose()
    {
        lock (sync)
        {
            if (isClosed) return;
            isClosed = true;
            to.Dispose();
        }
    }

    private bool Begin(CallFrame kind)
    {
        if (isClosed) return false;
        if (isSending) throw new InvalidOperationException(
            "What sends the messages of a call has called it back: let the other side take the message on another thread, or later.");
        to.Write((byte)kind);
        return true;
    }

    private Exception? End()
    {
        isSending = true;
        try
        {
            send(to.Memory.Span);
            to.Clear();
            return null;
        }
        catch (Exception e)
        {
            isClosed = true;
            to.Dispose();
            return e;
        }
        finally
        {
            isSending = false;
        }
    }

    private void Tell(Exception? failure)
    {
        if (failure is not null) fail(failure);
    }
}
