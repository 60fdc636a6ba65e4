namespace Sluice.Torture.Tests.Members;

/// <summary>Two members, of which one is stopped (SIGSTOP) in the middle of its work, for longer than its lease.</summary>
public class FrozenMemberTests
{
    private const int Partitions = 4, KeyCount = 20, Last = 30;
    private static readonly string[] Keys = [.. Enumerable.Range(0, KeyCount).Select(static n => $"k{n}")];

    /// <remarks>It does not know that it has lost its partitions, and goes on with the items that it had begun.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheOtherMemberTakesOverAndNothingIsLostOrDoneTwice(bool isOnPostgres)
    {
        await using MemberRig rig = isOnPostgres ? await MemberRig.StartOnPostgresAsync(Partitions)
            : await MemberRig.StartAsync(Partitions);
        MemberProcess a = rig.Start("a"), b = rig.Start("b");
        await rig.UntilAsync(async () => await rig.CountAsync("a") == Partitions / 2 && await rig.CountAsync("b") == Partitions / 2);
        await rig.SendAsync([.. Keys.Select(static key => $"{key}:0:hold")]);
        await rig.UntilAsync(() => a.Starts.Count > 0 && b.Starts.Count > 0);

        await a.SignalAsync("STOP");
        await rig.MendAsync();                       // b ends its items, and those that a holds
        await rig.UntilAsync(async () => await rig.CountAsync("b") == Partitions && rig.Done.Count == KeyCount);
        Assert.DoesNotContain(rig.Done, static done => done.Member == "a");
        await rig.SendAsync([.. Enumerable.Range(1, Last).SelectMany(static number => Keys.Select(key => $"{key}:{number}"))]);
        await rig.UntilAsync(() => rig.Done.Count == (Last + 1) * KeyCount);

        await a.SignalAsync("CONT");                 // it ends its items, too, and commits
        await rig.UntilAsync(async () => await rig.CountAsync("a") == Partitions / 2);
        await rig.SendAsync([.. Keys.Select(static key => $"{key}:{Last + 1}")]);
        await rig.UntilAsync(() => rig.Done.Count == (Last + 2) * KeyCount);
        await a.StopAsync(rig.Cancellation);
        await b.StopAsync(rig.Cancellation);
        await rig.UntilAsync(static () => true);     // also what was committed during the stops
        foreach (string key in Keys) Assert.Equal(Enumerable.Range(0, Last + 2),
            rig.Done.Where(done => done.Key == key).Select(static done => done.Number));
        Assert.Contains(rig.Done.Skip((Last + 1) * KeyCount), static done => done.Member == "a");
        Assert.Empty(await rig.LettersAsync());
    }
}
