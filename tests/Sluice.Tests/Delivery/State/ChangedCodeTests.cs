using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Tests of code that goes on from the state that other code has stored.</summary>
public abstract class ChangedCodeTests
{
    private protected static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private protected readonly TestClock clock = new();
    private protected readonly Ledger ledger = new();

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Lets time pass until so many lines are there, an hour longer at most: a busy machine is behind the clock.</summary>
    private protected Task PassAsync(int minutes, int lines)
    {
        DateTimeOffset last = clock.GetUtcNow() + ((minutes + 60) * Minute);
        return TimedStateTests.AdvanceUntilAsync(clock, minutes * Minute, () => ledger.Lines.Count >= lines || clock.GetUtcNow() >= last);
    }

    private protected static Func<Source<int>, Source<string>> Chunks(int count, TimeSpan? within = null)
        => source => source.Chunk(count, within) | Stage.Named("held") | (static some => string.Join(',', some));

    private protected static string Text(Window<int> window) => $"{window.Start:HH:mm}-{window.End:HH:mm} {string.Join(',', window.Items)}";

    private protected async Task LiveAsync(IStreamStore store, Func<Source<int>, Source<string>> body, params int[] items)
    {
        await using Consecutor<int> consecutor = Make(store, body);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(items, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
    }

    private protected async Task EndAsync(IStreamStore store, Func<Source<int>, Source<string>> body, params int[] items)
    {
        await using Consecutor<int> consecutor = Make(store, body);
        await consecutor.StartAsync(Cancellation);
        if (items.Length > 0) await consecutor.SendAllAsync(items, Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((0L, 0L), (end.Dead, end.Unaccounted));
    }

    private protected Consecutor<int> Make(IStreamStore store, Func<Source<int>, Source<string>> body)
        => New(store, source => body(source) | ledger.Sink<string>());

    private protected Consecutor<int> New(IStreamStore store, Func<Source<int>, Pipeline> body) => new("numbers", body,
        new()
        {
            Store = store,
            Process = new(),
            Stream = new() { Partitions = 1 },
            Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
            Run = new() { Time = clock },
        });
}
