using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A store refuses to redrive letters of a damaged partition; the letters of the others are redriven.</summary>
public class DamagedPartitionTests
{
    private const int Items = 250;                   // more than a page

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARedriveLeavesTheLettersOfADamagedPartition()
    {
        var clock = new TestClock();
        await using var store = new DamagedStore(new MemoryStreamStore(clock), damaged: 1);
        bool isMended = false;
        ConcurrentQueue<string> warnings = [];
        await using var work = new Consecutor<int>("work", source => source | (_ =>
        {
            if (!Volatile.Read(ref isMended)) throw new FormatException("no good");
        }), new()
        {
            Store = store,
            Run = new() { Time = clock },
            Delivery = DeliveryGuarantee.Replay(0),
            Stream = new() { Partitions = 3 },
            OnWarning = warnings.Enqueue,
        });
        await work.StartAsync(Cancellation);
        for (int item = 1; item <= Items; item++) await work.SendAsync(item, Cancellation);          // to all partitions
        Assert.Equal(Items, (await work.WaitForIdleAsync(Cancellation)).Dead);
        int left = (await store.ListDeadAsync(new("work", "work"), max: 1000, cancellation: Cancellation))
            .Count(static letter => letter.Partition == 1);
        Assert.InRange(left, 1, Items - 1);

        Volatile.Write(ref isMended, true);
        int before = warnings.Count;
        Assert.Equal(Items - left, await work.RedriveAsync(static _ => true, Cancellation));
        Assert.Equal(before + 1, warnings.Count);
        Assert.Equal($"{left} dead letters of work cannot be redriven, because of damage in the store: partition 1. Restore the store from "
            + "a backup, or delete the letters.", warnings.Last());
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.True(end.Completed == Items - left && end.Dead == left && end.Unaccounted == 0, $"{end}");
        Assert.Equal(0, await work.RedriveAsync(static _ => true, Cancellation));
        Assert.Equal(left, await work.DeleteDeadLettersAsync(static _ => true, Cancellation));
    }

    private sealed class DamagedStore(IStreamStore inner, int damaged) : StreamStoreWrapper(inner)
    {
        public override async ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers,
            CancellationToken cancellation = default)
        {
            foreach (StoredDeadLetter letter in await base.ListDeadAsync(group, max: 1000, cancellation: cancellation))
                if (letter.Partition == damaged && numbers.Contains(letter.Number))
                    throw new StreamStoreException($"The partition {damaged} is damaged. Nothing was changed.")
                    { Stream = group.Stream, Partition = damaged, IsPermanent = true };
            return await base.RedriveAsync(group, numbers, cancellation);
        }
    }
}
