using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A store in which another member takes partitions away and gives them back at once, at most ten times; drawn from a
/// seed.</summary>
internal sealed class ThievingStore(IStreamStore inner, int seed) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private const int OneIn = 20;
    private const int Most = 10;

    private readonly IStreamStore store = inner;
    private readonly Random random = new(seed);
    private int attempts;
    private int thefts;

    public int Thefts => Volatile.Read(ref thefts);

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        if (name is nameof(LeaseAsync) or nameof(CommitAsync) or nameof(AppendAsync)) await StealAsync();
        return await call();
    }

    private async Task StealAsync()
    {
        int which;
        lock (random)
        {
            if (attempts == Most || random.Next(OneIn) != 0) return;
            attempts++;
            which = random.Next(16);
        }
        var group = new GroupId("numbers", "numbers");
        if (await store.FindStreamAsync(group.Stream) is null
            || await store.FindGroupAsync(group) is not { Partitions: { Count: > 0 } partitions }) return;
        PartitionInfo victim = partitions[which % partitions.Count];
        AcquireResult taken = await store.AcquireAsync(group, victim.Partition, new("thief") { ExpectedEpoch = victim.Epoch });
        if (taken.Status != AcquireStatus.Taken) return;
        Interlocked.Increment(ref thefts);
        await store.ReleaseAsync(taken.Ownership);
    }
}
