using System.Collections.Concurrent;

namespace Sluice.Tests.Producers;

/// <summary>What producers have in front of them: a consecutor that accepts over several lives of the process, in order.</summary>
internal sealed class Intake : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    /// <summary>Accepts what a source produces until it ends; or so many items of it, and then the process dies.</summary>
    public async Task AcceptAsync(Source<string> source, int? items = null)
    {
        await using var consecutor = New(_ => { });
        await ((items is { } count ? source.Take(count) : source) | consecutor).RunAsync();
    }

    public PipelineRun Start(Source<string> source, Consecutor<string> consecutor) => (source | consecutor).Start();

    /// <summary>All that was ever accepted, in order.</summary>
    public async Task<string[]> AcceptedAsync()
    {
        var seen = new ConcurrentQueue<string>();
        await using var consecutor = New(seen.Enqueue);
        await consecutor.StartAsync();
        await consecutor.WaitForIdleAsync();
        return [.. seen];
    }

    public Consecutor<string> New(Action<string> see)
        => new("intake", source => source | see, new() { Store = store, Stream = new() { Partitions = 1 }, Run = new() { Mode = ExecutionMode.SingleThread } });

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
