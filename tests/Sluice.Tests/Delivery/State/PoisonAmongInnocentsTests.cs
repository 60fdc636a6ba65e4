using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>An item kills every process it runs in. The consecutor keeps state, and two members take its partitions over from each
/// other.</summary>
public class PoisonAmongInnocentsTests
{
    private const int Poison = 11;
    private const int Items = 20;

    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();
    private readonly ConcurrentQueue<int> charged = new();
    private volatile TaskCompletionSource<string> killed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APoisonItemDiesAloneAndAStopBetweenCrashesChargesNoItem()
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        string name = "a";
        Consecutor<int> current = Make(store, name);
        await current.StartAsync(Cancellation);
        await current.SendAllAsync(Enumerable.Range(0, Items).ToList(), Cancellation);
        int deaths = 0;
        while (true)
        {
            while (!killed.Task.IsCompleted && !IsOver()) await Member.BeatAsync(store, clock, name);
            if (!killed.Task.IsCompleted) break;
            Assert.True(++deaths < 10, "It goes on dying.");
            Assert.Equal(name, await killed.Task);
            killed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            string heir = name == "a" ? "b" : "a";
            Consecutor<int> next = Make(store, heir);
            await next.StartAsync(Cancellation);
            if (deaths == 3) await StopAsync(current);
            else await current.AbandonAsync();
            (current, name) = (next, heir);
        }

        // One crash among other items, three alone, and the stop.
        Assert.Equal(5, deaths);
        DeadLetter letter = Assert.Single(await current.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(Poison, letter.Item);
        Assert.Contains("The process ended 3 times while nothing but this item", letter.Error, StringComparison.Ordinal);
        Assert.Empty(charged);
        await current.DisposeAsync();
        await using Consecutor<string> sums = Sums(store);
        await sums.StartAsync(Cancellation);
        await sums.WaitForIdleAsync(Cancellation);
        var expected = new int[4];
        Assert.Equal(ByKey(Enumerable.Range(0, Items).Where(static n => n != Poison).Select(n => $"{n % 4}:{expected[n % 4] += n}")),
            ByKey(ledger.Lines));

        bool IsOver() => current.Snapshot() is { IsIdle: true, Accepted: Items, Completed: Items - 1, Dead: 1, Unaccounted: 0 };
    }

    /// <summary>Stops the consecutor in the middle of its work, by a deadline that passes at once.</summary>
    private async Task StopAsync(Consecutor<int> consecutor)
    {
        Task<bool> stopping = consecutor.StopAsync(TimeSpan.Zero);
        while (!stopping.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(1));
            await Member.NextAsync();
        }
        Assert.False(await stopping);
    }

    private Consecutor<int> Make(IStreamStore store, string name)
    {
        var made = new Consecutor<int>("work", source => source |
        [
            all => all | StageNode.Of(() => new Sum(this, name)) | Stage.Named("sum") | Sink.Output<string>("sums"),
            all => all.ForEachAsync(NoteAsync),
        ], Member.Options(name, store, clock, partitions: 2) with { Delivery = DeliveryGuarantee.Replay(2, Backoff.None) })
        { Key = static n => $"{n % 4}" };
        made.Output<string>("sums").To(Sums(store));
        return made;
    }

    /// <summary>Reads the outputs: exactly those that were committed, by either member.</summary>
    private Consecutor<string> Sums(IStreamStore store)
        => new("sums", source => source | ledger.Sink<string>(),
        new() { Store = store, Stream = new() { Partitions = 1 }, Process = new() });

    private ValueTask NoteAsync(int n, ItemContext item, CancellationToken cancellation)
    {
        if (n != Poison && item.Attempt != 1) charged.Enqueue(n);
        return default;
    }

    private static string[][] ByKey(IEnumerable<string> lines)
        => [.. lines.GroupBy(static line => line.Split(':')[0]).OrderBy(static group => group.Key).Select(static group => group.ToArray())];

    private sealed class Sum(PoisonAmongInnocentsTests test, string member) : StatefulStageNode<int, string, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            if (item == Poison)
            {
                test.killed.TrySetResult(member);
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            }
            State += item;
            await output.PushAsync($"{Key}:{State}");
        }
    }
}
