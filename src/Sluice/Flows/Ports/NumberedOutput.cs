using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>The output of a processor that resumes from scratch: numbered appends, each with a hash of all values so far.</summary>
/// <remarks>
/// A repetition counts and hashes its values, and compares the hash when it reaches the end of the stored stream.
/// Thread-safe. A lone value is appended at once; values that come during an append go together with the next one. Of two batches, one is
/// filled under the lock, and the running append has the other.
/// </remarks>
internal sealed class NumberedOutput : IOutputPort
{
    private const int MaxBytes = 512 << 10;

    private readonly OutputStream stream;
    private readonly ChoiceLog choices;
    private readonly ProducerState producer;
    private readonly string cause;                   // of a repetition
    private readonly EntryBatch replayed;
    private readonly OutputHash hash;
    private readonly Lock sync = new();
    private EntryBatch filling;
    private EntryBatch flying;
    private TaskCompletionSource? room;              // for writers that wait for the running append
    private Task flight = Task.CompletedTask;
    private Exception? failure;
    private long count;

    private NumberedOutput(OutputStream stream, OutputHash hash, ChoiceLog choices, ProducerState producer, string cause)
    {
        (this.stream, this.hash, this.choices, this.producer, this.cause) = (stream, hash, choices, producer, cause);
        (filling, flying, replayed) = (stream.NewBatch(), stream.NewBatch(), stream.NewBatch());
    }

    public string Name => stream.Name;

    public long Count => Math.Max(Volatile.Read(ref count), producer.Last);

    private bool IsFull => filling.Count >= stream.MaxItems || filling.Bytes >= MaxBytes;

    /// <summary>Opens the output; from now on, no earlier host can write the stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="serializers">The serializers of its values.</param>
    /// <param name="choices">Flushed before each append.</param>
    /// <param name="assignment">The start of the processor, for errors; null if there is none.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public static async Task<NumberedOutput> OpenAsync(OutputStream stream, PayloadSerializers serializers, ChoiceLog choices,
        Assignment? assignment, CancellationToken cancellation)
        => new(stream, new(serializers), choices, await stream.OpenProducerAsync(cancellation).ConfigureAwait(false), CauseOf(assignment));

    /// <summary>Why a start is a repetition. A start that was handed over does not count, so any other repetition follows a host.</summary>
    internal static string CauseOf(Assignment? start)
        => start is not { Failures: > 0 } ? "after its host had gone"
        : $"in attempt {start.Failures + 1:N0}, after it had failed{(start.Starts > 1 ? " and its host had gone" : "")}";

    public EntryTrace? Trace => stream.Trace;

    public async ValueTask WriteAsync<T>(T value, IPayloadSerializer<T> serializer, EntryTrace? trace, CancellationToken cancellation)
    {
        while (true)
        {
            Task? full = null;
            lock (sync)
            {
                if (failure is not null) throw failure;
                if (!IsFull)
                {
                    Add(value, serializer, trace);
                    if (filling.Count > 0 && flight.IsCompleted) flight = FlyAsync();
                }
                else
                {
                    room ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
                    full = room.Task;
                }
            }
            if (full is null)
            {
                stream.Telemetry?.Processor.Sent();  // outside of the lock: listeners are user code
                return;
            }
            await stream.RestAsync(full, cancellation).ConfigureAwait(false);
        }
    }

    public async ValueTask FinishAsync(CancellationToken cancellation)
    {
        Task last;
        lock (sync) last = flight;
        await last.WaitAsync(cancellation).ConfigureAwait(false);
        lock (sync)
        {
            if (failure is not null) throw failure;
            if (count < producer.Last) throw Differs($"it put out {producer.Last:N0} values then, {count:N0} now");
        }
        filling.Dispose();
        flying.Dispose();
        replayed.Dispose();
        hash.Dispose();
    }

    public Task SettleAsync()
    {
        lock (sync) return flight;                   // it never fails
    }

    // The hash does not depend on traces, which differ in a repetition.
    private void Add<T>(T value, IPayloadSerializer<T> serializer, EntryTrace? trace)
    {
        bool isRepetition = count < producer.Last;
        EntryBatch to = isRepetition || trace is not null ? replayed : filling;
        if (to == replayed) replayed.Clear();
        to.Add(serializer, value);
        if (!isRepetition && trace is not null)
            TracedEntries.Add(filling, replayed.RecordAt(0).Span[EntryChunk.RecordOverhead..], trace);
        hash.Add(to.RecordAt(to.Count - 1).Span);
        count++;
        if (isRepetition && count == producer.Last && !hash.Matches(producer.Position.Span))
            throw failure = Differs("the values are not the same");
    }

    // Never throws: the next write and the finish throw the failure.
    private async Task FlyAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);          // leave the lock
        try
        {
            while (true)
            {
                long first;
                byte[] position;
                lock (sync)
                {
                    if (filling.Count == 0)
                    {
                        flight = Task.CompletedTask;
                        return;
                    }
                    (filling, flying) = (flying, filling);
                    first = count - flying.Count + 1;
                    position = hash.ToPosition();
                    room?.TrySetResult();
                    room = null;
                }
                await choices.FlushAsync(stream.Life).ConfigureAwait(false);
                await stream.AppendAsync(producer.Epoch, first, flying, position).ConfigureAwait(false);
                flying.Clear();
            }
        }
        catch (Exception e)
        {
            lock (sync)
            {
                failure = e;
                room?.TrySetResult();
                room = null;
            }
        }
    }

    private NondeterministicReplayException Differs(string how) => new(
        $"The processor {stream.Processor} was repeated {cause}, and did not put out the same to {Name}: {how}. What readers have seen "
            + $"and what would follow do not belong together. "
        + "Make it depend on nothing but its inputs (an injected TimeProvider is repeated too), or let it resume per item. An "
        + "ImmutableDictionary or ImmutableHashSet of texts has another order in each process: put out an ImmutableSortedDictionary, a "
        + "SortedSet or a list. If its code, or the type of its values, has changed since then, start another run.")
    { Processor = stream.Processor, Run = stream.Run };
}
