using Sluice.Storage;

namespace Sluice.Torture.Tests.Members;

/// <summary>Scenarios of the protocol with several members, as processes over a Redis server.</summary>
public class MemberScenarioTests
{
    /// <remarks>Scenario 7: two processes, two partitions, and a clean stop between the crashes.</remarks>
    [Fact]
    public async Task AnItemThatKillsEveryProcessIsDeadLetteredAlone()
    {
        await using MemberRig rig = await MemberRig.StartAsync(partitions: 2);
        List<MemberProcess> living = [Start("a"), Start("b")], all = [.. living];
        await rig.UntilAsync(async () => await rig.CountAsync("a") == 1 && await rig.CountAsync("b") == 1);
        await rig.SendAsync([.. Enumerable.Range(0, 40).Select(static n => n == 17 ? "k1:17:kill" : $"k{n % 8}:{n}")]);
        int deaths = 0;
        while (true)
        {
            await rig.UntilAsync(async () => living.Exists(static one => one.Ended.IsCompleted)
                || (rig.Done.Count == 39 && (await rig.LettersAsync()).Count == 1));
            if (living.Find(static one => one.Ended.IsCompleted) is not { } dead) break;
            Assert.True(++deaths < 10, await rig.DescribeAsync());
            living.Remove(dead);
            if (deaths == 2)
            {
                MemberProcess other = living[0];
                living.Clear();
                if (await other.EndAsync(rig.Cancellation) != 0) deaths++;          // the item has killed it before the stop
                Add("c");
            }
            Add(dead.Name);
        }

        StoredDeadLetter letter = Assert.Single(await rig.LettersAsync());
        Assert.Contains("The process ended 3 times while nothing but this item was being processed", letter.Error,
            StringComparison.Ordinal);
        Assert.Equal(4, deaths);                     // once together with other items, three times alone
        foreach (IGrouping<string, Done> key in rig.Done.GroupBy(static done => done.Key))
            Assert.Equal(Enumerable.Range(0, 40).Where(n => $"k{n % 8}" == key.Key && n != 17), key.Select(static done => done.Number));
        Assert.DoesNotContain(all.SelectMany(static one => one.Starts),
            static start => !start.StartsWith("k1:17:kill", StringComparison.Ordinal) && !start.EndsWith(" 1", StringComparison.Ordinal));

        MemberProcess Start(string name) => rig.Start(name, static setup => setup with { Replays = 2 });

        void Add(string name)
        {
            living.Add(Start(name));
            all.Add(living[^1]);
        }
    }

    /// <remarks>Scenario 9: after a restart, and after the partition has moved. KeyOrderTests covers one epoch.</remarks>
    [Fact]
    public async Task ItemsWaitForAFailingItemOfTheirKeyWhereverThePartitionMoves()
    {
        await using MemberRig rig = await MemberRig.StartAsync(partitions: 1);
        MemberProcess a = rig.Start("a");
        await rig.SendAsync("k:1:fail", "k:2", "other:1");
        await rig.UntilAsync(async () => rig.Done.Count == 1 && await rig.WaitingAsync() == 2);

        await a.KillAsync();
        a = rig.Start("a");
        await rig.SendAsync("k:3", "other:2");
        await rig.UntilAsync(async () => rig.Done.Count == 2 && await rig.WaitingAsync() == 3 && a.Starts.Count > 2);

        MemberProcess b = rig.Start("b");
        await a.StopAsync(rig.Cancellation);
        await rig.SendAsync("k:4", "other:3");
        await rig.UntilAsync(async () => rig.Done.Count == 3 && await rig.WaitingAsync() == 4 && b.Starts.Count > 2);
        await rig.MendAsync();
        await rig.UntilAsync(() => rig.Done.Count == 7);
        await b.StopAsync(rig.Cancellation);

        Assert.Equal([1, 2, 3, 4], rig.Done.Where(static done => done.Key == "k").Select(static done => done.Number));
        Assert.Equal([1, 2, 3], rig.Done.Where(static done => done.Key == "other").Select(static done => done.Number));
        Assert.DoesNotContain(b.Starts, static start => start.StartsWith("k:2", StringComparison.Ordinal)
            && !start.EndsWith(" 1", StringComparison.Ordinal));
    }

    /// <remarks>
    /// The lease duration is an hour, but a killed process on the same machine is detected at once: by its successor with the same name,
    /// and by another member.
    /// </remarks>
    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public async Task TheSuccessorOfAKilledLocalProcessStartsAtOnce(string successor)
    {
        await using MemberRig rig = await MemberRig.StartAsync(partitions: 2);
        MemberProcess killed = Start("a");
        await rig.SendAsync("k:1", "k:2:fail");
        await rig.UntilAsync(() => rig.Done.Count == 1 && killed.Starts.Count > 2);
        await killed.KillAsync();
        Start(successor);
        await rig.MendAsync();
        await rig.SendAsync("k:3", "other:1");
        await rig.UntilAsync(async () => rig.Done.Count == 4 && await rig.CountAsync(successor) == 2);
        Assert.Equal([1, 2, 3], rig.Done.Where(static done => done.Key == "k").Select(static done => done.Number));
        Assert.Empty(await rig.LettersAsync());

        MemberProcess Start(string name) => rig.Start(name, static setup => setup with { LeaseTime = TimeSpan.FromHours(1) });
    }

    /// <remarks>
    /// Scenario 16: the clocks of the two members are two hours apart. A silent member is still replaced, and failed items are still
    /// retried.
    /// </remarks>
    [Theory]
    [InlineData(-1)]
    [InlineData(1, Traits = ["Length", "long"])]
    public async Task MembersWithDifferentClocksTakeOverAndRetry(int hours)
    {
        await using MemberRig rig = await MemberRig.StartAsync(partitions: 1);
        TimeSpan lease = TimeSpan.FromSeconds(5);    // longer than a pause of a busy machine
        MemberProcess a = rig.Start("a", setup => setup with { HoursAhead = hours, LeaseTime = lease });
        await rig.UntilAsync(async () => await rig.CountAsync("a") == 1);
        MemberProcess b = rig.Start("b", setup => setup with { HoursAhead = -hours, LeaseTime = lease });
        await rig.SendAsync("k:1:fail", "other:1");
        await rig.UntilAsync(async () => rig.Done.Count == 1 && await rig.WaitingAsync() == 1 && a.Starts.Count > 2);
        Assert.Empty(b.Starts);

        await a.KillAsync();
        await rig.UntilAsync(async () => await rig.CountAsync("b") == 1 && b.Starts.Count > 1);
        await rig.MendAsync();
        await rig.UntilAsync(() => rig.Done.Count == 2);
        await b.StopAsync(rig.Cancellation);
        Assert.Equal([new Done("other", 1, "a"), new Done("k", 1, "b")], rig.Done);
    }

    /// <remarks>Scenario 16: the heartbeats of the member arrive, but its commits are not answered.</remarks>
    [Fact]
    public async Task AMemberWithUnansweredCommitsIsReplacedAndReturns()
    {
        await using MemberRig rig = await MemberRig.StartAsync(partitions: 1);
        MemberProcess a = Start("a");
        await rig.UntilAsync(async () => await rig.CountAsync("a") == 1);
        MemberProcess b = Start("b");
        rig.Answer("a", false);
        await rig.SendAsync("k:1", "k:2");
        await rig.UntilAsync(() => rig.Done.Count == 2);
        rig.Answer("a", true);
        await rig.SendAsync("k:3");
        await rig.UntilAsync(() => rig.Done.Count == 3);
        await b.StopAsync(rig.Cancellation);
        await rig.SendAsync("k:4");
        await rig.UntilAsync(() => rig.Done.Count == 4);
        await a.StopAsync(rig.Cancellation);
        Assert.Equal([new Done("k", 1, "b"), new Done("k", 2, "b"), new Done("k", 3, "b"), new Done("k", 4, "a")], rig.Done);
        Assert.All(b.Starts, static start => Assert.EndsWith(" 1", start, StringComparison.Ordinal));

        MemberProcess Start(string name) => rig.Start(name, static setup => setup with { LeaseTime = TimeSpan.FromSeconds(5) });
    }

    /// <remarks>Scenario 18: old code leaves the partitions of new code alone, and continues with the rest.</remarks>
    [Fact]
    public async Task OldCodeLeavesPartitionsOfNewCodeToNewCode()
    {
        await using MemberRig rig = await MemberRig.StartAsync(partitions: 2);
        string[] keys = [.. Enumerable.Range(0, 8).Select(static n => $"k{n}")];
        MemberProcess old = rig.Start("old");
        await rig.SendAsync([.. keys.Select(static key => $"{key}:1")]);
        await rig.UntilAsync(() => rig.Done.Count == keys.Length);

        MemberProcess renewed = rig.Start("new", static setup => setup with { CodeVersion = 1 });
        await rig.UntilAsync(async () => await rig.CountAsync("new") == 1);
        await rig.SendAsync([.. keys.Select(static key => $"{key}:2")]);
        await rig.UntilAsync(() => rig.Done.Count == 2 * keys.Length);
        string[] moved = [.. rig.Done.Where(static done => done.Member == "new").Select(static done => done.Key)];
        Assert.InRange(moved.Length, 1, keys.Length - 1);
        await renewed.StopAsync(rig.Cancellation);

        await rig.SendAsync([.. keys.Select(static key => $"{key}:3")]);
        await rig.UntilAsync(() => rig.Done.Count == (3 * keys.Length) - moved.Length);
        Assert.DoesNotContain(rig.Done, done => done.Number == 3 && moved.Contains(done.Key));
        renewed = rig.Start("new", static setup => setup with { CodeVersion = 1 });
        await rig.UntilAsync(() => rig.Done.Count == 3 * keys.Length);
        await old.StopAsync(rig.Cancellation);
        await renewed.StopAsync(rig.Cancellation);
        foreach (string key in keys) Assert.Equal([1, 2, 3], rig.Done.Where(done => done.Key == key).Select(static done => done.Number));
    }

    /// <remarks>Scenario 18: an item for an unknown node waits for code with that node.</remarks>
    [Fact]
    public async Task AnItemForAnUnknownNodeWaitsForAProcessThatHasTheNode()
    {
        await using MemberRig rig = await MemberRig.StartAsync(partitions: 1);
        MemberProcess renewed = rig.Start("new", static setup => setup with { HasLater = true, Replays = 0 });
        await rig.SendAsync("k:1:later");
        await rig.UntilAsync(async () => (await rig.LettersAsync()).Count == 1);
        await renewed.KillAsync();
        await rig.MendAsync();
        MemberProcess old = rig.Start("old");
        StoredDeadLetter letter = Assert.Single(await rig.LettersAsync());
        Assert.Equal(1, await rig.Store.RedriveAsync(MemberRig.Group, [letter.Number], rig.Cancellation));
        await rig.SendAsync("other:1");
        await rig.UntilAsync(async () => rig.Done.Count == 1 && await rig.WaitingAsync() == 1);
        await old.StopAsync(rig.Cancellation);
        rig.Start("new", static setup => setup with { HasLater = true });
        await rig.UntilAsync(() => rig.Done.Count == 2);
        Assert.Equal([new Done("other", 1, "old"), new Done("k", 1, "new")], rig.Done);
    }
}
