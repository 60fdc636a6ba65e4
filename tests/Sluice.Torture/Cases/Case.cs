namespace Sluice.Torture;

/// <summary>
/// One consecutor that is killed several times: its pipeline, its settings, the fates of its items. Everything follows from the seed and
/// the case's
/// number, so that every child knows it without being told.
/// </summary>
internal sealed class Case
{
    /// <summary>Numbers from here on come from the producer that resumes.</summary>
    public const long FirstResumed = 1_000_000_000;

    private readonly Dice dice;
    private readonly int flakyPercent;
    private readonly int poisonPercent;
    private readonly int bombEvery;

    public Case(ulong seed, int number, int items, bool isSweep = false, bool hasTroubles = false)
    {
        HasTroubles = hasTroubles;
        dice = new Dice(seed).For((ulong)number);
        Dice settings = dice.For(1);
        Body = RandomSteps.Throw(dice.For(2));
        Replays = settings.OneOf(0, 1, 1, 2, 3);
        Partitions = settings.OneOf(1, 2, 8, 64);
        HasKeys = settings.Chance(50);
        Capacity = settings.OneOf(3, 64, 4096);
        Bound = settings.Chance(25) ? settings.OneOf(50, 300) : 1_000_000;
        IsPowerSafe = settings.Chance(40);
        Senders = settings.Between(1, 6);
        BatchSize = settings.Chance(40) ? settings.Between(2, 40) : 1;
        Items = items;
        ResumedItems = settings.Chance(50) ? items / 2 : 0;
        Kills = settings.Between(2, 7);
        Cures = settings.Chance(60);
        flakyPercent = settings.OneOf(0, 5, 20);
        poisonPercent = settings.OneOf(0, 2, 5);
        bombEvery = settings.Chance(20) ? items / 2 : 0;
        HasDatabase = settings.Chance(50);
        HasRows = settings.Chance(50);
        HasState = settings.Chance(35);
        Dice extras = dice.For(3);
        Extras = [.. Places.Extras.Where(extra => extras.Chance(35) && (HasState || !extra.NeedsState))];
        Number = number;
        IsSweep = isSweep;
        if (!isSweep) return;

        // Small and plain, with something of everything: what it calls is then much the same in each life.
        Body = new BroadcastStep(new ChainStep([new HazardStep(), new MapStep("m")]), new ChainStep([new ManyStep(1)]));
        Extras = [];
        (Replays, Partitions, HasKeys, Capacity, Bound, IsPowerSafe, Senders, BatchSize) = (1, 2, true, 3, 1_000_000, false, 1, 1);
        (ResumedItems, Cures, HasDatabase, HasRows, HasState) = (items / 2, true, true, true, false);
    }

    public int Number { get; }

    /// <summary>Whether it is one whose places are gone through in turn: then it leaves as little to chance as it can.</summary>
    public bool IsSweep { get; }

    /// <summary>Whether more goes wrong in it than that items fail and processes are killed.</summary>
    public bool HasTroubles { get; }

    public Step Body { get; }
    public int Replays { get; }
    public int Partitions { get; }
    public bool HasKeys { get; }
    public int Capacity { get; }
    public long Bound { get; }
    public bool IsPowerSafe { get; }
    public int Senders { get; }
    public int BatchSize { get; }

    /// <summary>How many items are sent one by one or in batches, in all lives together.</summary>
    public int Items { get; }

    /// <summary>How many come from a producer that resumes.</summary>
    public int ResumedItems { get; }

    /// <summary>How often it is to be killed; bombs come on top.</summary>
    public int Kills { get; }

    /// <summary>Whether what has died is cured and redriven in the end, under kills as well.</summary>
    public bool Cures { get; }

    /// <summary>Whether parts are rows of another database as well.</summary>
    public bool HasDatabase { get; }

    /// <summary>Whether they are rows in the file of the store as well, if it has one.</summary>
    public bool HasRows { get; }

    /// <summary>Whether a node in front of everything counts the items, by key if they have keys.</summary>
    public bool HasState { get; }

    /// <summary>Whether what fails behind its first stages fails as a whole, be it by itself or a list: in an epoch, and in a
    /// fork.</summary>
    public bool DiesWhole => HasState || Body.IsWhole();

    /// <summary>Branches that hold items, or hand them to another consecutor.</summary>
    public IReadOnlyList<Extra> Extras { get; }

    public DeliveryGuarantee Delivery => DeliveryGuarantee.Replay(Replays, Backoff.Constant(TimeSpan.FromMilliseconds(2)));

    public Work WorkOf(long number) => new(number, (int)(Dice.Mix((ulong)number) % 20), "");

    public Fate FateOf(long number)
    {
        if (IsSweep) return (number % 4) switch { 1 => Fate.Flaky, 2 => Fate.Poison, _ => Fate.Fine };
        Dice one = dice.For(1000 + (ulong)number);
        if (bombEvery > 0 && number % bombEvery == bombEvery / 2 && number < FirstResumed) return Fate.Bomb;
        int percent = one.Below(100);
        if (HasTroubles && HasState && percent >= 97) return Fate.Unwritable;
        return percent < poisonPercent ? Fate.Poison : percent < poisonPercent + flakyPercent ? Fate.Flaky : Fate.Fine;
    }

    /// <summary>Random numbers for the troubles of a life.</summary>
    public Dice DiceOf(LifePlan plan) => dice.For((1UL << 43) ^ plan.Seed);

    /// <summary>How a life of it goes, if it is to be killed so often.</summary>
    public LifePlan PlanOf(int life, int kills)
    {
        Dice one = dice.For((1UL << 40) + (ulong)life);
        bool cures = Cures && life > kills * 2 / 3;
        LifePlan plan = life > kills ? LifePlan.ToTheEnd(one.Next(), cures) : LifePlan.Throw(one, cures);
        return HasTroubles ? plan with { Troubles = Troubles.Throw(dice.For((1UL << 42) + (ulong)life), isLater: life > kills / 2) } : plan;
    }

    public override string ToString()
        => $"case {Number}: Replay({Replays}), {Partitions} partitions, {(HasKeys ? "keys" : "no keys")}, capacity {Capacity}, "
        + $"bound {Bound}, "
            + $"{Senders} senders of {BatchSize}, {ResumedItems} "
            + $"resumed, {(HasDatabase ? "database, " : "")}{(HasRows ? "rows, " : "")}{(HasState ? "state, " : "")}"
            + $"{string.Concat(Extras.Select(extra => $"{extra.Name}, "))}{(Cures ? "cured" : "not cured")}, bombs {bombEvery}: {Body}";
}
