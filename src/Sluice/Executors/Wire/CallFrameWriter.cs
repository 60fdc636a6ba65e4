using Sluice.ChildProcesses;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>Writes the messages of a call: the kind, then its content.</summary>
/// <remarks>Thread-safe: one lock guards the buffer of the message, and the order of sending.</remarks>
/// <param name="send">Sends a message.</param>
/// <param name="fail">Receives, once, the failure of sending; called outside of the lock.</param>
internal sealed class CallFrameWriter(Action<ReadOnlySpan<byte>> send, Action<Exception> fail) : IDisposable
{
    // Flags of the answer to a read.
    private const byte IsComplete = 1, HaveHeaders = 2;

    private readonly Lock sync = new();
    private readonly FrameWriter to = new();
    private bool isSending;
    private bool isClosed;

    public void Say(CallFrame kind, params ReadOnlySpan<long> numbers) => Send(kind, numbers, static (to, all) =>
    {
        foreach (long number in all) to.Write(number);
    });

    public void Say(CallFrame kind, ReadOnlySpan<byte> bytes) => Send(kind, bytes, static (to, all) => to.Write(all));

    public void Say(CallFrame kind, long number, ReadOnlySpan<byte> bytes) => Send(kind, new Numbered(number, bytes), static (to, all) =>
    {
        to.Write(all.Number);
        to.Write(all.Bytes);
    });

    /// <param name="kind">A kind with a failure as content.</param>
    /// <param name="question">The number of the question; null for none.</param>
    /// <param name="why">The failure.</param>
    public void Say(CallFrame kind, long? question, CallFailure why) => Send(kind, (question, why), static (to, all) =>
    {
        if (all.question is { } number) to.Write(number);
        all.why.Write(to);
    });

    /// <summary>Sends a value with its trace.</summary>
    public void SayTraced(long output, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
        => Send(CallFrame.PutTraced, new Traced(output, headers, payload), static (to, all) =>
        {
            to.Write(all.Output);
            to.WriteSized(all.Headers);
            to.Write(all.Payload);
        });

    /// <summary>Sends the answer to a read.</summary>
    /// <param name="question">The number of the question.</param>
    /// <param name="isComplete">Whether the stream is complete.</param>
    /// <param name="values">The values.</param>
    /// <param name="withHeaders">Whether the other side knows headers of values.</param>
    public void SayValues(long question, bool isComplete, ReadOnlyMemory<Entry> values, bool withHeaders = false)
        => Send(CallFrame.Answer, (question, isComplete, values, withHeaders: withHeaders && HasHeaders(values.Span)), static (to, all) =>
        {
            to.Write(all.question);
            to.Write((byte)((all.isComplete ? IsComplete : 0) | (all.withHeaders ? HaveHeaders : 0)));
            foreach (ref readonly Entry value in all.values.Span)
            {
                to.Write(value.Sequence);
                to.Write((long)value.Generation);
                to.WriteSized(value.Payload.Span);
                if (all.withHeaders) to.WriteSized(value.Headers.Span);
            }
        });

    /// <summary>Reads the content that <see cref="SayValues"/> has written.</summary>
    /// <param name="answer">The content; the values keep using it.</param>
    /// <param name="isComplete">Whether the stream is complete.</param>
    public static Entry[] ReadValues(byte[] answer, out bool isComplete)
    {
        ReadOnlySpan<byte> rest = answer;
        if (rest.IsEmpty) throw new InvalidDataException("A frame is cut off.");
        bool haveHeaders = (rest[0] & HaveHeaders) != 0;
        isComplete = (rest[0] & IsComplete) != 0;
        rest = rest[1..];
        var values = new List<Entry>();
        while (!rest.IsEmpty)
        {
            long sequence = FrameReader.Number(ref rest), generation = FrameReader.Number(ref rest);
            int length = FrameReader.Sized(ref rest).Length, end = answer.Length - rest.Length;
            values.Add(new Entry
            {
                Sequence = sequence,
                Generation = (int)generation,
                Payload = answer.AsMemory(end - length, length),
                Headers = haveHeaders ? FrameReader.Sized(ref rest).ToArray() : default
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

    private void Send<TContent>(CallFrame kind, TContent content, Action<FrameWriter, TContent> write) where TContent : allows ref struct
    {
        Exception? failure;
        lock (sync)
        {
            if (!Begin(kind)) return;
            try
            {
                write(to, content);
            }
            catch
            {
                to.Clear();                          // otherwise the next message begins with the head of this one
                throw;
            }
            failure = End();
        }
        Tell(failure);
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

    private static bool HasHeaders(ReadOnlySpan<Entry> values)
    {
        foreach (ref readonly Entry value in values)
            if (!value.Headers.IsEmpty) return true;
        return false;
    }

    private readonly ref struct Traced(long output, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        public long Output { get; } = output;

        public ReadOnlySpan<byte> Headers { get; } = headers;

        public ReadOnlySpan<byte> Payload { get; } = payload;
    }

    private readonly ref struct Numbered(long number, ReadOnlySpan<byte> bytes)
    {
        public long Number { get; } = number;

        public ReadOnlySpan<byte> Bytes { get; } = bytes;
    }
}
