using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>
/// A service was silent for longer than its lease duration, and a service of another process has its name now. The test is the other
/// process: it sends heartbeats under an instance of its own.
/// </summary>
public sealed class ReplacedServiceTests : IAsyncDisposable
{
    private const int FirstLooks = 2_000_000, FirstRounds = 200, MostWaits = 50_000;
    private const string Elsewhere = "elsewhere";
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(9);
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly GroupId Group = FlowNames.Hosts("work");

    private readonly TestClock clock = new();
    private readonly List<string> warnings = [];
    private readonly MemoryStreamStore store = new();
    private Supervisor? replaced;
    private string? problem;                         // of the replaced service, when it warned
    private Supervisor? other;

    private static CancellationToken Cancellation => FlowLab.Cancellation;

    [Fact]
    public async Task AReplacedServiceTakesNothingBackFromItsSuccessor()
    {
        List<Ownership> taken = await ReplaceAsync();
        await store.ReleaseAsync(taken[0], Cancellation);          // a change of the stream: the service looks
        await UntilAsync(async () =>
        {
            GroupInfo now = await LookAsync();
            foreach (Ownership owner in taken.Skip(1)) Assert.Equal(owner.Epoch, now.Partitions[owner.Partition].Epoch);
            return IsTold();
        });
    }

    [Fact]
    public async Task AReplacedServiceHostsAgainOnceItsSuccessorHasLeft()
    {
        List<Ownership> taken = await ReplaceAsync();
        clock.Advance(LeaseTime / 3);                // its heartbeat is refused
        await UntilAsync(async () =>
        {
            await LookAsync();
            return IsTold();
        });
        Assert.Equal("The processor work is not hosted here now, and its work is tried again: Two processes",
            problem?.Split(" are")[0]);
        foreach (Ownership owner in taken) await store.ReleaseAsync(owner, Cancellation);
        await store.LeaveAsync(Group, "replaced", Elsewhere, Cancellation);
        var rounds = new Rounds(FirstRounds);
        while ((await OwnedAsync("replaced")).Count == 0)
        {
            Assert.True(await rounds.GoOnAsync(), $"The replaced service owns {(await OwnedAsync("replaced")).Count} partitions.");
            await BeatAsync();
        }
        await UntilAsync(() => Task.FromResult(replaced!.Problem is null));
        Assert.DoesNotContain(Elsewhere, (await LookAsync()).Members.Select(static member => member.Instance));
    }

    public async ValueTask DisposeAsync()
    {
        if (replaced is not null) await replaced.DisposeAsync();
        if (other is not null) await other.DisposeAsync();
        await store.DisposeAsync();
    }

    /// <summary>Two services share the partitions; then the other process takes the name of one, and its partitions.</summary>
    private async Task<List<Ownership>> ReplaceAsync()
    {
        replaced = Host("replaced");
        other = Host("other");
        await UntilAsync(async () => (await store.FindGroupAsync(Group, Cancellation))?.Members.Count == 2);
        var rounds = new Rounds(FirstRounds);
        while ((await OwnedAsync("replaced")).Count != 8 || (await OwnedAsync("other")).Count != 8)
        {
            Assert.True(await rounds.GoOnAsync(), $"The replaced service owns {(await OwnedAsync("replaced")).Count} partitions.");
            await BeatAsync();
        }
        for (int i = 0; i < 1_000; i++) await Task.Yield();          // no heartbeat comes later
        HeartbeatResult heard;
        do
        {
            MemberInfo silent = (await LookAsync()).Members.Single(static member => member.Name == "replaced");
            heard = await store.HeartbeatAsync(new(Group, "replaced", Elsewhere, LeaseTime) { Replaces = silent }, Cancellation);
        }
        while (heard.Status != HeartbeatStatus.Accepted);
        List<Ownership> taken = [];
        foreach (PartitionInfo partition in await OwnedAsync("replaced"))
        {
            var request = new AcquireRequest("replaced") { ExpectedEpoch = partition.Epoch, Instance = Elsewhere };
            AcquireResult result = await store.AcquireAsync(Group, partition.Partition, request, Cancellation);
            Assert.Equal(AcquireStatus.Taken, result.Status);
            taken.Add(result.Ownership);
        }
        return taken;
    }

    private Supervisor Host(string name)
    {
        var service = Supervisor.Attach(store, new() { Name = name, Time = clock, LeaseDuration = LeaseTime, OnWarning = Note });
        service.Register(Work, StartTests.CopyAsync);
        return service;

        void Note(string text)
        {
            lock (warnings)
            {
                if (IsTelling(text)) problem ??= replaced!.Problem;
                warnings.Add(text);
            }
        }
    }

    private bool IsTold()
    {
        lock (warnings) return warnings.Exists(IsTelling);
    }

    private static bool IsTelling(string warning)
        => warning.Contains("again: Two processes are called 'replaced'", StringComparison.Ordinal);

    /// <summary>Lets heartbeats fall due, and waits until the members have sent theirs: a service that is late on a busy machine would
    /// count as silent. One that sends none has its reasons.</summary>
    private async Task BeatAsync()
    {
        IReadOnlyList<MemberInfo> before = (await LookAsync()).Members;
        clock.Advance(LeaseTime / 3);
        for (int looks = 0; looks < MostWaits && (looks < 200 || (await LookAsync()).Members.Any(before.Contains)); looks++)
            await Task.Yield();
    }

    private async Task UntilAsync(Func<Task<bool>> isSo)
    {
        var looks = new Rounds(FirstLooks);
        while (!await isSo())
        {
            if (!await looks.GoOnAsync())
            {
                GroupInfo group = await LookAsync();
                string[] told;
                lock (warnings) told = [.. warnings];
                Assert.Fail("What the test waits for has not come: the members, or the notice of the replaced service. Members: "
                    + $"{string.Join(", ", group.Members)}. Partitions: {string.Join(", ", group.Partitions)}. "
                    + $"Warnings: {string.Join(" | ", told)}");
            }
            await Task.Yield();
        }
    }

    private async Task<GroupInfo> LookAsync() => (await store.FindGroupAsync(Group, Cancellation))!;

    private async Task<List<PartitionInfo>> OwnedAsync(string name)
        => [.. (await store.FindGroupAsync(Group, Cancellation))?.Partitions.Where(partition => partition.Owner == name) ?? []];
}
