using System.Collections.Concurrent;
using Sluice.Storage;

namespace Sluice.Tests.Producers;

/// <summary>A consecutor behind a producer that accepts items in order, over several lives of the process.</summary>
internal sealed class Intake : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    /// <summary>Wraps the store of the consecutor.</summary>
    public Func<IStreamStore, IStreamStore> Through { get; init; } = static store => store;

    /// <summary>Accepts the items of a source until it ends; or <paramref name="items"/> of them, and then the process dies.</summary>
    public async Task AcceptAsync(Source<string> source, int? items = null)
    {
        await using var consecutor = New(_ => { });
        await ((items is { } count ? source.Take(count) : source) | consecutor).RunAsync();
    }

    public PipelineRun Start(Source<string> source, Consecutor<string> consecutor) => (source | consecutor).Start();

    /// <summary>All accepted items, in order.</summary>
    public async Task<string[]> AcceptedAsync()
    {
        var seen = new ConcurrentQueue<string>();
        await using var consecutor = New(seen.Enqueue);
        await consecutor.StartAsync();
        await consecutor.WaitForIdleAsync();
        return [.. seen];
    }

    public Consecutor<string> New(Action<string> see)
        => new("intake", source => source | see, new()
        {
            Store = Through(store),
            Stream = new() { Partitions = 1 },
            Run = new() { Mode = ExecutionMode.SingleThread }
        });

    public ValueTask DisposeAsync() => store.DisposeAsync();
}

/// <summary>A store whose appends begin on another thread, as those of stores outside of the process do.</summary>
internal sealed class LateStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
    {
        for (int turns = request.Entries.Count % 4; turns >= 0; turns--) await Task.Yield();
        return await base.AppendAsync(request, cancellation);
    }
}
