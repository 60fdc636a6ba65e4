using Sluice.Dashboard.Sampling;
using Sluice.Diagnostics;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>The sentences about a consecutor that another process runs: by leases, owners and a backlog that does not shrink.</summary>
public sealed class ElsewhereVerdictTests
{
    private readonly TestClock clock = new();
    private readonly StoreSource source = new("main", new MemoryStreamStore());

    [Theory]
    [InlineData(10, 7, "`orders` stands still: no item has ended for 31 s, and at most 3 are in flight in `a`. The dashboard, the traces "
        + "or the log of that process show the code; if it waits for something that does not come, give it a time limit with Stage.Timeout."
        + " If the process is stopped or killed, others take its partitions over.")]
    [InlineData(10, 10, "`orders` stands still: no item has ended for 31 s, and none is in flight, although `a` has 10 items in its "
        + "partitions. Its log says why; if it is stopped or killed, others take its partitions over.")]
    public void AProcessThatIsAliveAndEndsNothingIsNamed(long tail, long dispatchedBehind, string sentence)
    {
        PartitionInfo[] partitions = [new(0, 1, "a", 0, tail, tail - dispatchedBehind, 0, 0), new(1, 1, "b", 0, 5, 5, 5, 0)];
        var sampler = new ConsecutorSampler("orders", source, null, clock);
        Assert.Equal("Works on its backlog.", Look(sampler, partitions, outstanding: 10, settled: 5));
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(sentence, Look(sampler, partitions, outstanding: 10, settled: 5));
        Assert.Equal("Works on its backlog.", Look(sampler, partitions, outstanding: 9, settled: 6));
        clock.Advance(TimeSpan.FromSeconds(61));                     // its items take half a minute, so a minute is no surprise
        Assert.Equal("Works on its backlog.", Look(sampler, partitions, outstanding: 9, settled: 6));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains("no item has ended for 1 min 2 s", Look(sampler, partitions, outstanding: 9, settled: 6), StringComparison.Ordinal);
    }

    [Fact]
    public void ItemsThatWaitForARetryAreNoStandstillAndAStreamThatWasNotLookedAtAgainTellsNothing()
    {
        PartitionInfo[] partitions = [new(0, 1, "a", 0, 10, 10, 10, 4)];
        var sampler = new ConsecutorSampler("orders", source, null, clock);
        Look(sampler, partitions, outstanding: 4, settled: 6, waiting: 4);
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.StartsWith("All of its 4 items wait", Look(sampler, partitions, outstanding: 4, settled: 6, waiting: 4),
            StringComparison.Ordinal);

        StoreSample seen = Seen(partitions, outstanding: 10, settled: 0, waiting: 0);
        sampler.Look(seen);
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Null(sampler.Look(seen).StandsFor);
        Assert.NotNull(sampler.Look(Seen(partitions, outstanding: 10, settled: 0, waiting: 0)).StandsFor);
    }

    [Fact]
    public void AConsecutorThatFallsBehindOrWhoseStreamIsFullDoesNotKeepUp()
    {
        PartitionInfo[] partitions = [new(0, 1, "a", 0, 900_000, 10, 0, 0), new(1, 1, "a", 0, 5, 5, 5, 0)];
        var sampler = new ConsecutorSampler("orders", source, null, clock);
        Look(sampler, partitions, outstanding: 100_000, settled: 0);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("`orders` falls behind by 1,000/s. The dashboard of its process shows which node is slow; or start another process, "
            + "which takes over some of the 2 partitions.", Look(sampler, partitions, outstanding: 101_000, settled: 100));
        sampler = new ConsecutorSampler("orders", source, null, clock);
        Look(sampler, partitions, outstanding: 1_000_000, settled: 100);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("The stream of `orders` is full, with 1,000,000 items: senders wait. The dashboard of its process shows which node "
            + "is slow; or start another process, which takes over some of the 2 partitions.",
            Look(sampler, partitions, outstanding: 1_000_000, settled: 200));
        sampler = new ConsecutorSampler("orders", source, null, clock);
        Assert.Equal("Works on its backlog: at this rate, for 16 min 40 s.",
            Look(sampler, partitions, outstanding: 100_000, settled: 200, rate: 100));
        Assert.Equal("Keeps up.", Look(sampler, partitions, outstanding: 100, settled: 200, rate: 100));
    }

    [Theory]
    [InlineData("No process works on its 9 items: `a` hangs or has died, and no other process runs it. Start one.", MemberStatus.Silent)]
    [InlineData("No process works on its 9 items: `a` and 1 more hang or have died, and no other process runs it. Start one.",
        MemberStatus.Silent, MemberStatus.Silent)]
    [InlineData("`a` hangs or has died, with 1 partition: others take over when the lease duration is over.", MemberStatus.Silent,
        MemberStatus.Alive)]
    [InlineData("No process works on its 9 items: `a` sends no heartbeats: it has ended, or takes no questions, and no other process runs "
        + "it. Start one.", MemberStatus.NoHeartbeats)]
    [InlineData("`a` sends no heartbeats: it has ended, or takes no questions, with 1 partition: others take over when the lease duration "
        + "is over.", MemberStatus.NoHeartbeats, MemberStatus.Alive)]
    public void MembersThatHangAreNamedAndWhetherOthersTakeOver(string sentence, params MemberStatus[] members)
    {
        StoreSample seen = Seen([.. members.Select(static (_, at) => new PartitionInfo(at, 1, $"{(char)('a' + at)}", 0, 9, 9, 0, 0))],
            outstanding: 9, settled: 0, waiting: 0, rate: 0);
        (GroupId id, GroupDetail group) = seen.Groups.Single();
        group = new(group.Look with
        {
            Members = [.. group.Look.Members.Zip(members).Select(static one => one.First with { Status = one.Second })],
        }, null);
        Assert.Equal(sentence, new ConsecutorSampler("orders", source, null, clock)
            .Look(seen with { Groups = new Dictionary<GroupId, GroupDetail> { [id] = group } }).Verdict.Text);
    }

    /// <summary>The first look, and the first one behind a time without a page, know no rate: that proves nothing.</summary>
    [Fact]
    public void AFileWhoseProcessTakesNoQuestionsIsNotSaidToBeDeadAtTheFirstLook()
    {
        StoreSample seen = Seen([new(0, 1, "a", 0, 9, 9, 0, 0)], outstanding: 9, settled: 0, waiting: 0);
        (GroupId id, GroupDetail group) = seen.Groups.Single();
        group = new(group.Look with { Members = [group.Look.Members[0] with { Status = MemberStatus.NoHeartbeats }] }, null);
        Assert.Equal("Works on its backlog.", new ConsecutorSampler("orders", source, null, clock)
            .Look(seen with { Groups = new Dictionary<GroupId, GroupDetail> { [id] = group } }).Verdict.Text);
    }

    [Fact]
    public void AttemptsThatFailAreNamedWhereAConsecutorIsSlowOrStandsStill()
    {
        StoreSample seen = Seen([new(0, 1, "a", 0, 10, 10, 0, 0)], outstanding: 10, settled: 0, waiting: 0);
        ConsecutorSample sample = new ConsecutorSampler("orders", source, null, clock).Look(seen) with
        {
            Snapshot = new("orders", ConsecutorStatus.Running, null) { Retrying = 2, LastFailure = "connection refused" },
            StandsFor = TimeSpan.FromSeconds(31),
        };
        Assert.EndsWith(" 2 items failed and wait for the next attempt. The last failure: connection refused",
            ConsecutorVerdict.Of(sample, seen, null).Text, StringComparison.Ordinal);
    }

    public static TheoryData<string, int, int, string> Ways => new()
    {
        { "sums", 64, 2, "It has one lane: start another process, which takes over some of the 64 partitions, or make `Sum` faster." },
        { "sums", 2, 2, "It has one lane: make `Sum` faster." },
        { "sums", 1, 1, "It has one lane: give the consecutor a Key and a new name, so that its stream has 64 partitions and not one, or "
            + "make `Sum` faster." },
        { "node", 64, 2, "It has one lane: it remembers earlier items, so put a Stage.KeyBy before it if it needs only those of the same "
            + "key, start another process, which takes over some of the 64 partitions, or make `Balance` faster." },
        { "last", 64, 2, "It has one lane: give it more with Stage.Parallel, or make it faster." },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task InAConsecutorTheAdviceIsOneThatCanBeFollowed(string node, int partitions, int members, string advice)
    {
        await using var store = new MemoryStreamStore(clock);
        await using var orders = new Consecutor<int>("orders", static body => body.Scan(0, Sum) | Stage.Named("sums")
            | StageNode.Of(static () => new Balance()) | Stage.Named("node") | (static _ => { }) | Stage.Named("last"),
            new() { Store = store });
        TopologyNode known = orders.Topology.Find(node);
        var look = new GroupLook(new("orders", "orders"), [.. Enumerable.Range(0, members).Select(static number
            => new MemberLook($"m{number}", MemberStatus.Alive, "1", TimeSpan.FromSeconds(30), TimeSpan.Zero, 1))],
            [.. Enumerable.Range(0, partitions).Select(static number => new PartitionInfo(number, 1, "m0", 0, 0, 0, 0, 0))], null);
        ConsecutorSample owner = new ConsecutorSampler("orders", source, null, clock).Look(Seen(look.Partitions, 0, 0, 0)) with
        {
            Group = new(look, null),
        };
        Assert.EndsWith(advice, LaneAdvice.Of(new(new(known, 0, 0, 0, 0, 0, 0, NodeActivity.Running, null), 41, 0, 0, new(clock)), owner),
            StringComparison.Ordinal);
    }

    private static int Sum(int sum, int item) => sum + item;

    private string Look(ConsecutorSampler sampler, IReadOnlyList<PartitionInfo> partitions, long outstanding, long settled,
        long waiting = 0, double? rate = null)
        => sampler.Look(Seen(partitions, outstanding, settled, waiting, rate)).Verdict.Text;

    private StoreSample Seen(IReadOnlyList<PartitionInfo> partitions, long outstanding, long settled, long waiting, double? rate = null)
    {
        GroupId id = new("orders", "orders");
        var group = new GroupBacklog("orders", outstanding, waiting, 0);
        var stream = new StreamLook(new("orders", new(), null, outstanding, 0, settled + outstanding, [group], []),
            [new(group, rate)], null);
        string[] owners = [.. partitions.Select(static one => one.Owner).OfType<string>().Distinct()];
        var look = new GroupLook(id, [.. owners.Select(static owner
            => new MemberLook(owner, MemberStatus.Alive, "1", TimeSpan.FromSeconds(30), TimeSpan.Zero, 1))], partitions, null);
        return new(source, ["orders"], new Dictionary<string, StreamLook> { ["orders"] = stream },
            new Dictionary<GroupId, GroupDetail> { [id] = new(look, null) }, clock.GetUtcNow(), null);
    }

    private sealed class Balance : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State += item;
            return output.PushAsync(item);
        }
    }
}
