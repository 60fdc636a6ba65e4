namespace Sluice.Torture;

/// <summary>Throws pipelines.</summary>
internal static class RandomSteps
{
    /// <summary>A pipeline in which items can fail in one place at least, if they get there.</summary>
    public static Step Throw(Dice dice)
    {
        var hazards = 0;
        Step body = Chain(dice, depth: 2, ref hazards);
        return hazards > 0 ? body : new ChainStep([body, new HazardStep()]);
    }

    private static ChainStep Chain(Dice dice, int depth, ref int hazards)
    {
        var steps = new List<Step>();
        for (int count = dice.Between(1, 4); count > 0; count--) steps.Add(One(dice, depth, ref hazards));
        return new ChainStep(steps);
    }

    private static Step One(Dice dice, int depth, ref int hazards)
    {
        int salt = dice.Below(1 << 20);
        switch (dice.Below(depth > 0 ? 11 : 8))
        {
            case 0 or 1: return new MapStep($"m{dice.Below(10)}");
            case 2: return new FilterStep(salt);
            case 3: return new ManyStep(salt);
            case 4: return new WaitingStep(salt, dice.Between(2, 8), dice.Chance(50));
            case 5: return new KeyedStep($"k{dice.Below(10)}", dice.Between(2, 4));
            case 6: return new BufferStep(dice.OneOf(4, 64));
            case 7:
                hazards++;
                return new HazardStep();
            case 8: return new RouteStep(salt, Chain(dice, depth - 1, ref hazards), Chain(dice, depth - 1, ref hazards));
            default: return new BroadcastStep(Chain(dice, depth - 1, ref hazards), Chain(dice, depth - 1, ref hazards));
        }
    }
}
