using Sluice.Storage;

namespace Sluice.Tests.Membership;

/// <summary>Many more members than partitions.</summary>
public class CrowdedShareTests
{
    private const int Partitions = 16, Members = 100;
    private static readonly TimeSpan Third = ShareLab.LeaseTime / 3;

    [Fact]
    public void AHundredMembersOwnAtMostOnePartitionEachAndNothingMovesForNothing()
    {
        var random = new Random(1);
        var lab = new ShareLab(Partitions);
        var members = new List<ShareMember> { new(lab, "m000") };
        Round(random, lab, members);
        Assert.Equal(Partitions, members[0].Owned.Count);
        for (int number = 1; number < Members; number++) members.Add(new(lab, $"m{number:000}"));
        for (int round = 0; round < 12; round++) Round(random, lab, members);
        Assert.All(Counts(lab), static count => Assert.Equal(1, count));
        Assert.Equal(Partitions, Counts(lab).Count());
        long moves = lab.Moves;
        for (int round = 0; round < 30; round++) Round(random, lab, members);
        Assert.Equal(moves, lab.Moves);

        members.RemoveRange(5, 90);                  // they die
        for (int round = 0; round < 12; round++) Round(random, lab, members);
        Assert.Equal(Partitions, Counts(lab).Sum());
        Assert.InRange(Counts(lab).Max() - Counts(lab).Min(), 0, 1);
    }

    /// <remarks>In each round a member leaves or dies, and a new one comes. A member that comes clears what others keep.</remarks>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void WhileMembersComeAndGoEachPartitionFindsAnOwnerWithinTwoLeaseDurations(int seed)
    {
        var random = new Random(seed);
        var lab = new ShareLab(Partitions);
        List<ShareMember> members = [.. Enumerable.Range(0, Members).Select(number => new ShareMember(lab, $"m{number:0000}"))];
        int[] withoutOwner = new int[Partitions];
        for (int round = 0; round < 150; round++)
        {
            ShareMember going = members[random.Next(members.Count)];
            members.Remove(going);
            if (random.Next(2) == 0) lab.Leave(going.Name);
            members.Add(new(lab, $"m{Members + round:0000}"));
            Round(random, lab, members);
            HashSet<string> living = [.. members.Select(static member => member.Name)];
            foreach (PartitionInfo partition in lab.Group.Partitions)
            {
                bool isOwned = partition.Owner is { } owner && living.Contains(owner);
                withoutOwner[partition.Partition] = isOwned ? 0 : withoutOwner[partition.Partition] + 1;
                Assert.True(withoutOwner[partition.Partition] <= 6, $"seed {seed}, round {round}, partition {partition.Partition}");
            }
        }
        // Sixteen to begin with, one for each that has gone, and as many again for what was released for a member.
        Assert.InRange(lab.Moves, Partitions, Partitions + (2 * 150));
    }

    private static IEnumerable<int> Counts(ShareLab lab)
        => lab.Group.Partitions.Select(static partition => partition.Owner).OfType<string>().CountBy(static owner => owner)
            .Select(static count => count.Value);

    private static void Round(Random random, ShareLab lab, List<ShareMember> members)
    {
        lab.Clock.Advance(Third);
        ShareMember[] order = [.. members];
        random.Shuffle(order);
        foreach (ShareMember member in order) member.Beat();
        random.Shuffle(order);
        foreach (ShareMember member in order) member.Act();
    }
}
