using System.Runtime.CompilerServices;

namespace Sluice.Cli.Measuring;

/// <summary>Measures a consecutor over a store, in a stream of its own.</summary>
internal static class StoreBench
{
    /// <summary>The scratch stream. One that a killed measurement has left is deleted by the next one.</summary>
    public const string Stream = "sluice-bench";

    private const int Together = 1000;
    private static readonly TimeSpan MaxStopDuration = TimeSpan.FromSeconds(1);

    public static async IAsyncEnumerable<Measurement> RunAsync(IStreamStore store, TimeSpan time,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await DeleteAsync(store, cancellation).ConfigureAwait(false);
        await using var watch = new StoreWatch(store, cancellation);
        try
        {
            yield return await watch.RunAsync(token => MeasureAsync(store, "durable", $"sent {Together:N0} at a time, stored, leased, "
                + $"processed and settled (durability: {Durable(store)})", time, static async (items, from, cancellation)
                => await items.SendAllAsync([.. Enumerable.Range(from, Together)], cancellation).ConfigureAwait(false), Together,
                token)).ConfigureAwait(false);
            yield return await watch.RunAsync(token => MeasureAsync(store, "one by one",
                "each item is sent when the store has acknowledged the one before", time,
                static async (items, from, cancellation) => await items.SendAsync(from, cancellation).ConfigureAwait(false), 1,
                token)).ConfigureAwait(false);
        }
        finally
        {
            // A store that does not answer keeps the stream, and the next measurement deletes it.
            if (!watch.HasFailed) await DeleteAsync(store, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static async Task<Measurement> MeasureAsync(IStreamStore store, string name, string text, TimeSpan time,
        Func<Consecutor<int>, int, CancellationToken, Task> send, int together, CancellationToken cancellation)
    {
        TimeProvider clock = TimeProvider.System;
        // A failure of the store ends the command with its line; warnings of the retries before it would be further lines.
        await using var items = new Consecutor<int>(Stream, source => source | (static _ => { }),
            new() { Store = store, OnWarning = static _ => { } });
        try
        {
            await items.StartAsync(cancellation).ConfigureAwait(false);
            await send(items, 0, cancellation).ConfigureAwait(false);                 // compiles the code
            await items.WaitForIdleAsync(cancellation).ConfigureAwait(false);
            long began = clock.GetTimestamp();
            int sent = 0;
            for (; clock.GetElapsedTime(began) < time; sent += together) await send(items, sent, cancellation).ConfigureAwait(false);
            await items.WaitForIdleAsync(cancellation).ConfigureAwait(false);
            TimeSpan elapsed = clock.GetElapsedTime(began);
            await items.StopAsync(cancellation: cancellation).ConfigureAwait(false);
            return new(name, sent / elapsed.TotalSeconds, sent, text);
        }
        catch
        {
            // Without a deadline it would wait for a store that is away.
            await items.StopAsync(MaxStopDuration, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    private static async Task DeleteAsync(IStreamStore store, CancellationToken cancellation)
    {
        if (await store.FindStreamAsync(Stream, cancellation).ConfigureAwait(false) is not null)
            await store.DeleteStreamAsync(Stream, cancellation).ConfigureAwait(false);
    }

    private static string Durable(IStreamStore store) => store.Durability.ToString().ToLowerInvariant();
}
