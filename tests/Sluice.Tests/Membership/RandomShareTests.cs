namespace Sluice.Tests.Membership;

/// <summary>Random members and partitions come to shares that differ by at most one, and stay there.</summary>
public class RandomShareTests
{
    private const int MostRounds = 500;              // a kept partition may stay for a hundred lease durations, of three rounds each
    private const int RoundsUntilDeathIsSeen = 4;

    [Fact]
    public void LivingMembersComeToEqualSharesWhateverHappenedBefore()
    {
        for (int seed = 0; seed < 500; seed++) Check(seed);
    }

    private static void Check(int seed)
    {
        var random = new Random(seed);
        var lab = new ShareLab(random.Next(1, 25));
        List<ShareMember> living = [];
        int names = 0;
        for (int step = random.Next(10, 80); step > 0; step--) Disturb(random, lab, living, ref names);
        if (living.Count == 0) living.Add(new(lab, "z"));

        foreach (ShareMember member in living) member.InFlight.Clear();
        for (int rounds = 0; rounds < RoundsUntilDeathIsSeen || !AreEqual(lab, living); rounds++)
        {
            Assert.True(rounds < MostRounds, $"seed {seed}: {lab.Owners} of {string.Concat(living.Select(static member => member.Name))}");
            Round(random, lab, living);
        }
        long moves = lab.Moves;
        string owners = lab.Owners;
        for (int calm = 0; calm < 20; calm++) Round(random, lab, living);
        Assert.True((owners, moves) == (lab.Owners, lab.Moves), $"seed {seed}: {owners} became {lab.Owners}");
    }

    /// <summary>A member joins, leaves, dies, is slow, or starts and ends items.</summary>
    private static void Disturb(Random random, ShareLab lab, List<ShareMember> living, ref int names)
    {
        switch (random.Next(8))
        {
            case 0 when living.Count < 8 && names < 25:
                living.Add(new(lab, $"{(char)('a' + names++)}"));
                living[^1].Beat();
                break;
            case 1 when living.Count > 1:
                ShareMember leaving = living[random.Next(living.Count)];
                lab.Leave(leaving.Name);
                living.Remove(leaving);
                break;
            case 2 when living.Count > 1:
                living.RemoveAt(random.Next(living.Count));
                break;
            case 3 when living.Count > 0:
                living[random.Next(living.Count)].Beat();          // and decides later, by an older view
                break;
            case 4 when living.Count > 0:
                living[random.Next(living.Count)].Act();
                break;
            case 5 when living.Count > 0:
                ShareMember busy = living[random.Next(living.Count)];
                foreach (int number in busy.Owned) busy.InFlight[number] = random.Next(3);
                break;
            default:
                Round(random, lab, living);
                break;
        }
    }

    private static void Round(Random random, ShareLab lab, List<ShareMember> living)
    {
        lab.Clock.Advance(ShareLab.LeaseTime / 3);
        ShareMember[] order = [.. living];
        random.Shuffle(order);
        if (random.Next(2) == 0)
        {
            foreach (ShareMember member in order) member.Beat();
            random.Shuffle(order);
            foreach (ShareMember member in order) member.Act();
        }
        else
            foreach (ShareMember member in order)
            {
                member.Beat();
                member.Act();
            }
    }

    private static bool AreEqual(ShareLab lab, List<ShareMember> living)
    {
        int[] counts = [.. living.Select(member => lab.Owners.Count(owner => owner == member.Name[0]))];
        return counts.Sum() == lab.Owners.Length && counts.Max() - counts.Min() <= 1
            && living.All(member => member.Owned.Count == lab.Owners.Count(owner => owner == member.Name[0]));
    }
}
