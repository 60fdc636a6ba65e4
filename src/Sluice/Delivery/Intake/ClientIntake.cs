using Sluice.Producers;

namespace Sluice.Delivery;

/// <summary>Accepts the items of a client under its own numbers. A client that reconnects is told its last durable number.</summary>
/// <remarks>Used by one connection. A client that reconnects fences off the appends of its earlier connection.</remarks>
internal sealed class ClientIntake<T> : IFrameIntake<T>
{
    private readonly Consecutor<T> consecutor;
    private readonly StageContext stage;
    private readonly Appender<T> appender;
    private readonly CancellationTokenSource abandoned = new();
    private readonly IFramePump<T> source;
    private readonly bool isNamed;
    private readonly int? number;
    private volatile Task latest = Task.CompletedTask;
    private volatile TaskCompletionSource full = NewSignal();

    public ClientIntake(Consecutor<T> consecutor, string? client, StageContext stage, IFramePump<T> source)
    {
        (this.consecutor, this.stage, this.source, isNamed) = (consecutor, stage, source, client is not null);
        if (client is null) number = consecutor.RentProducer();
        appender = client is null ? consecutor.NewOwnAppender(string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"intake-{number}")) : consecutor.NewAppender($"$tcp/{client}");
        appender.IsInOrder = true;
        appender.Full = () => full.TrySetResult();
        appender.Abandoned = abandoned.Token;

        // The number is the whole position, but the client counts as resumable: it must learn when the store goes back.
        if (isNamed) appender.Position = static _ => ReadOnlyMemory<byte>.Empty;
    }

    public Task Full => full.Task;

    public async ValueTask<long> OpenAsync(CancellationToken cancellation)
    {
        ThrowIfEnded();
        if (!isNamed) return 0;
        await appender.OpenAsync(cancellation);
        return appender.Last;
    }

    public async ValueTask<Task> AddAsync(T item, CancellationToken cancellation)
    {
        ThrowIfEnded();
        Task? append;
        while ((append = appender.TryAdd(item, null, default, out Task room)) is null) await room.WaitAsync(cancellation);
        latest = append;
        Interlocked.Increment(ref stage.In);
        Interlocked.Increment(ref stage.Out);
        return append;
    }

    public void GoOn()
    {
        if (full.Task.IsCompleted) full = NewSignal();
    }

    public void Dispose()
    {
        abandoned.Cancel();
        if (number is { } rented) consecutor.ReturnProducer(rented, latest);
    }

    private void ThrowIfEnded()
    {
        try
        {
            consecutor.ThrowIfEnded();
        }
        catch (InvalidOperationException over)
        {
            source.Fail(over);
            throw;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
