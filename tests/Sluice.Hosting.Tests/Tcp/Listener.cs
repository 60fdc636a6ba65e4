using System.Collections.Concurrent;
using System.Net;
using Sluice.Storage;

namespace Sluice.Hosting.Tests.Tcp;

/// <summary>A consecutor, and a run of <c>Source.Tcp</c> in front of it.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private readonly SemaphoreSlim _ends;

    private Listener(Consecutor<string> consecutor, PipelineRun run, IPEndPoint address, ConcurrentQueue<string> processed,
        SemaphoreSlim ends) => (Texts, Run, Address, Processed, _ends) = (consecutor, run, address, processed, ends);

    public Consecutor<string> Texts { get; }

    public PipelineRun Run { get; }

    public IPEndPoint Address { get; }

    public ConcurrentQueue<string> Processed { get; }

    public static async Task<Listener> StartAsync(IStreamStore? store, TcpOptions? options = null, bool starts = true,
        StreamOptions? stream = null, TimeProvider? time = null, Func<string, string>? key = null,
        IPayloadSerializer<string>? serializer = null)
    {
        var processed = new ConcurrentQueue<string>();
        var ends = new SemaphoreSlim(0);
        var consecutor = new Consecutor<string>("texts", source => source | (text =>
            {
                processed.Enqueue(text);
                ends.Release();
            }), new() { Store = store, Stream = stream ?? new() { Partitions = 1 } })
        { Key = key };
        if (starts) await consecutor.StartAsync();
        var listening = new TaskCompletionSource<IPEndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        PipelineRun run = ((serializer is null ? Source.Tcp(0, Wanted()) : Source.Tcp(0, serializer, Wanted()))
            | consecutor).Start(new RunOptions { Time = time ?? TimeProvider.System });
        return new(consecutor, run, await listening.Task, processed, ends);

        TcpOptions Wanted() => (options ?? new()) with { OnListening = listening.SetResult };
    }

    /// <summary>Waits until so many more items are processed: for a client that is not told when its lines are accepted.</summary>
    public async Task WaitForItemsAsync(int count)
    {
        for (int item = 0; item < count; item++) await _ends.WaitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until all accepted items have ended; returns the processed ones.</summary>
    public async Task<string[]> EndAsync()
    {
        Assert.Equal(0, (await Texts.WaitForIdleAsync()).Unaccounted);
        return [.. Processed];
    }

    public async ValueTask DisposeAsync()
    {
        _ = Run.CancelAsync();
        await Run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Texts.DisposeAsync();
    }
}
