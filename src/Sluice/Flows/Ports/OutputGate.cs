using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>An output that knows when its function has returned: no write may be pending then, and none may come later.</summary>
/// <remarks>
/// Thread-safe. <c>pending</c> counts the writes, and is negative from the return on, so a write and the return see each other. The lock
/// guards the fields about late writes.
/// </remarks>
/// <param name="port">The output.</param>
/// <param name="processor">The writer.</param>
/// <param name="run">The id of the run.</param>
/// <param name="warn">Reports a write after the end.</param>
/// <param name="life">Cancelled when the function has to stop, and when it has ended.</param>
internal sealed class OutputGate(IOutputPort port, string processor, string run, Action<string> warn, CancellationToken life) : IOutputPort
{
    private const int Closed = int.MinValue;

    private readonly Lock sync = new();
    private int pending;
    private bool hasFinished;
    private bool wasTold;                            // or need not be: the processor has failed
    private FlowException? late;

    public string Name => port.Name;

    public IOutputPort Port => port;

    public long Count => port.Count;

    public EntryTrace? Trace => port.Trace;

    public async ValueTask WriteAsync<T>(T value, IPayloadSerializer<T> serializer, EntryTrace? trace, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref pending) < 0)
        {
            Interlocked.Decrement(ref pending);
            throw TooLate();
        }
        try
        {
            await port.WriteAsync(value, serializer, trace, cancellation).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref pending);
        }
    }

    /// <summary>The function has returned: later writes are refused.</summary>
    /// <exception cref="FlowException">Writes are pending.</exception>
    public void Close()
    {
        int writes = Interlocked.Or(ref pending, Closed);
        if (writes > 0)
            throw Failure($"The function of the processor {processor} has returned while {writes:N0} {(writes == 1 ? "write" : "writes")} "
                + $"to {Name} had not ended. Await every WriteAsync, and all work that writes, before the function returns.");
    }

    public async ValueTask FinishAsync(CancellationToken cancellation)
    {
        await port.FinishAsync(cancellation).ConfigureAwait(false);
        lock (sync)
        {
            if (late is not null) throw late;
            hasFinished = true;
        }
    }

    public Task SettleAsync()
    {
        Interlocked.Or(ref pending, Closed);
        lock (sync) wasTold = true;
        return port.SettleAsync();
    }

    /// <summary>Fails the processor while that is possible, and warns later: the value would be lost without a message if no code
    /// observes the error.</summary>
    private Exception TooLate()
    {
        lock (sync)
            if (!hasFinished && life.IsCancellationRequested) return new OperationCanceledException(life);
        FlowException failure = Failure($"The processor {processor} of the run {run} wrote a value to {Name} after its function had "
            + "returned. Nothing can take it any more: the value is lost. Await every WriteAsync, and all work that writes, before the "
            + "function returns.");
        bool warns;
        lock (sync)
        {
            warns = hasFinished && !wasTold;
            wasTold |= warns;
            if (!hasFinished) late ??= failure;
        }
        if (warns) warn(failure.Message);
        return failure;
    }

    private FlowException Failure(string text) => new(text) { Run = run, Processor = processor };
}
