namespace Sluice.Torture;

/// <summary>Throws pipelines.</summary>
internal static class RandomSteps
{
    /// <summary>A pipeline in which items can fail in one place at least, if they get there.</summary>
    public static Step Throw(Dice dice)
    {
        var thrown = new Thrown();
        Step body = Chain(dice, depth: 2, isInFork: false, thrown);
        return thrown.Hazards > 0 ? body : new ChainStep([body, new HazardStep()]);
    }

    private static ChainStep Chain(Dice dice, int depth, bool isInFork, Thrown thrown)
    {
        var steps = new List<Step>();
        for (int count = dice.Between(1, 4); count > 0; count--) steps.Add(One(dice, depth, isInFork, thrown));
        return new ChainStep(steps);
    }

    private static Step One(Dice dice, int depth, bool isInFork, Thrown thrown)
    {
        int salt = dice.Below(1 << 20);
        switch (dice.Below(depth > 0 ? 13 : 9))
        {
            case 0 or 1: return new MapStep($"m{dice.Below(10)}");
            case 2: return new FilterStep(salt);
            case 3: return new ManyStep(salt);
            case 4: return new WaitingStep(salt, dice.Between(2, 8), dice.Chance(50));
            case 5: return new KeyedStep($"k{dice.Below(10)}", dice.Between(2, 4));
            case 6: return new BufferStep(dice.OneOf(4, 64));
            case 7:
                thrown.Hazards++;
                return new HazardStep();
            case 8:
                // there an item fails as a whole, and nothing is divided; lists of lists of lists are too many items
                if (isInFork || thrown.Lists == 2) return new ManyStep(salt);
                thrown.Lists++;
                return new ListStep(salt);
            case 9: return new RouteStep(salt, Chain(dice, depth - 1, isInFork, thrown), Chain(dice, depth - 1, isInFork, thrown));
            case 10: return new ForkStep(Chain(dice, depth - 1, isInFork: true, thrown), Chain(dice, depth - 1, isInFork: true, thrown));
            default: return new BroadcastStep(Chain(dice, depth - 1, isInFork, thrown), Chain(dice, depth - 1, isInFork, thrown));
        }
    }

    private sealed class Thrown
    {
        public int Hazards { get; set; }
        public int Lists { get; set; }
    }
}
