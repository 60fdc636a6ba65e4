using Sluice.Storage;

namespace Sluice.Torture.Tests.Members;

/// <summary>
/// Several processes run the same consecutor over one Redis server and share its input. One joins late, one is killed, and one is stopped.
/// </summary>
public class MembersTests
{
    private const int Partitions = 8, MostAhead = 200;
    private static readonly string[] Keys = [.. Enumerable.Range(0, 40).Select(static n => $"k{n}")];

    [Fact]
    public async Task ProcessesShareTheInputAsMembersJoinAndLeave()
    {
        await using MemberRig rig = await MemberRig.StartAsync(Partitions);
        int rounds = 0;
        MemberProcess a = rig.Start("a"), b = rig.Start("b");
        await WorkUntilAsync(() => HasWorked(0, "a") && HasWorked(0, "b"));

        MemberProcess c = rig.Start("c");
        await WorkUntilAsync(() => HasWorked(0, "c"));
        await WorkingUntilAsync(async () => (await CountsAsync("a", "b", "c")).SequenceEqual([2, 3, 3]));

        int before = rig.Done.Count;
        await WorkUntilAsync(() => HasWorked(before, "a") && HasWorked(before, "b") && HasWorked(before, "c"));
        await a.KillAsync();
        before = rig.Done.Count;
        await WorkUntilAsync(() => Keys.All(key => rig.Done.Skip(before).Count(done => done.Key == key) > 2));
        await WorkingUntilAsync(async () => (await CountsAsync("a", "b", "c")).SequenceEqual([0, 4, 4]));

        await b.StopAsync(rig.Cancellation);
        before = rig.Done.Count;
        await WorkUntilAsync(() => Keys.All(key => rig.Done.Skip(before).Any(done => done.Key == key && done.Member == "c")));
        await rig.UntilAsync(() => rig.Done.Count >= rounds * Keys.Length);
        await c.StopAsync(rig.Cancellation);
        await rig.UntilAsync(static () => true);     // also what was committed during the stop

        // Each item once, in the order of its key, whichever process ran it.
        foreach (string key in Keys) Assert.Equal(Enumerable.Range(0, rounds),
            rig.Done.Where(done => done.Key == key).Select(done => done.Number));
        Assert.Equal(rounds * Keys.Length, rig.Done.Count);
        StreamInfo stream = (await rig.Store.FindStreamAsync("work", rig.Cancellation))!;
        Assert.Equal((0L, 0L), (stream.Groups[0].Outstanding, stream.Groups[0].Dead));

        bool HasWorked(int from, string member) => rig.Done.Skip(from).Any(done => done.Member == member);

        async Task<int[]> CountsAsync(params string[] members)
        {
            int[] counts = await Task.WhenAll(members.Select(rig.CountAsync));
            return [.. counts.Order()];
        }

        Task WorkUntilAsync(Func<bool> isSo) => WorkingUntilAsync(() => Task.FromResult(isSo()));

        // Sends new items all the time, as fast as they are processed.
        Task WorkingUntilAsync(Func<Task<bool>> isSo) => rig.UntilAsync(async () =>
        {
            if ((rounds * Keys.Length) - rig.Done.Count < MostAhead)
            {
                await rig.SendAsync([.. Keys.Select(key => $"{key}:{rounds}")]);
                rounds++;
            }
            return await isSo();
        });
    }
}
