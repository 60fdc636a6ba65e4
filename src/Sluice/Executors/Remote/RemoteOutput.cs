using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>An output stream that a child writes through the process with the store. A writer waits while too much is in transit.</summary>
/// <remarks>
/// Thread-safe. One lock orders the values: it is held while a value is serialized, by the user's code. Another one, which may be taken
/// inside of it, guards the credit: the loop that receives messages takes that one only, and so waits for no serializer.
/// </remarks>
internal sealed class RemoteOutput(RemoteInvocation call, StreamPlan plan, int index, RemoteWorker worker) : IOutputPort, IDisposable
{
    private readonly Lock sync = new();
    private readonly Lock credit = new();            // guards the three fields below the batch
    private readonly EntryBatch batch = new()
    {
        Stream = plan.Name,
        MaxEntryBytes = plan.MaxItemBytes,
        LimitName = FlowStreamOptions.LimitName
    };
    private TaskCompletionSource? room;
    private int values;                              // in transit
    private long bytes;
    private long count;

    public string Name => plan.Name;

    public long Count => Volatile.Read(ref count);

    public EntryTrace? Trace => call.Telemetry.OfOutput();

    public async ValueTask WriteAsync<T>(T value, IPayloadSerializer<T> serializer, EntryTrace? trace, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            Task? full;
            lock (sync)
            {
                full = FindFull();
                if (full is null) Put(value, serializer, trace);
            }
            if (full is null) return;
            await full.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Notes values that the other process has taken over.</summary>
    /// <exception cref="InvalidDataException">There are not so many on their way.</exception>
    public void Refill(long values, long bytes)
    {
        lock (credit)
        {
            if (values < 0 || values > this.values || bytes < 0 || bytes > this.bytes)
                throw new InvalidDataException(
                    $"a credit of {values} values with {bytes} bytes for the output {Name}, of which {this.values} with {this.bytes} are on "
                        + $"their way.");
            this.values -= (int)values;
            this.bytes -= bytes;
        }
        Wake();
    }

    /// <summary>Wakes waiting writers, which then check again.</summary>
    public void Wake()
    {
        lock (credit)
        {
            room?.TrySetResult();
            room = null;
        }
    }

    public ValueTask FinishAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public Task SettleAsync() => Task.CompletedTask;

    public void Dispose()
    {
        lock (sync) batch.Dispose();
    }

    /// <returns>What completes when there may be room; null if there is room.</returns>
    private Task? FindFull()
    {
        lock (credit)
        {
            // Here, and not before: a failure wakes only the writers that wait already.
            call.ThrowIfFailed();
            if (values < CallLimits.MaxValues && bytes < CallLimits.MaxBytes) return null;
            room ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return room.Task;
        }
    }

    // The same batch as in the process with the store, so that a value has the same bytes and errors.
    private void Put<T>(T value, IPayloadSerializer<T> serializer, EntryTrace? trace)
    {
        batch.Clear();
        batch.Add(serializer, value);
        ReadOnlySpan<byte> payload = batch.RecordAt(0).Span[EntryChunk.RecordOverhead..];
        if (payload.Length > worker.MaxValueBytes)
            throw new PayloadException(
                $"A value for the stream {plan.Name} has {payload.Length:N0} bytes, and {worker.Limit}. Store it elsewhere and send a "
                    + $"reference, or raise the limit.")
            { IsTooLong = true };
        lock (credit) (values, bytes) = (values + 1, bytes + payload.Length);
        count++;
        call.Put(index, payload, trace);
    }
}
