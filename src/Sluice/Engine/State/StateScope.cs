namespace Sluice;

/// <summary>What the stages of a run remember for one partition: an instance of each stage that remembers something.</summary>
/// <remarks>
/// Instances are made, saved and thrown away while nothing of the partition is under way (<see cref="Begin"/>, <see cref="Forget"/>), by whoever drives the partition; in between they
/// belong to the stages.
/// </remarks>
internal abstract class StateScope
{
    private ItemTracking? run;
    private object[] instances = [];
    private int highest = -1;                        // the number of the stage furthest upstream that an item has come to

    /// <summary>The instances of the run that items of this partition go through now; none unless it has begun.</summary>
    public IReadOnlyList<object> Instances => instances;

    /// <summary>Whether there is an instance of each stage.</summary>
    public bool HasBegun => run is not null;

    /// <summary>What goes through a run from here on is remembered by new instances. The caller gives them what is stored.</summary>
    /// <returns>False if it has begun for that run already.</returns>
    public bool Begin(ItemTracking following)
    {
        if (ReferenceEquals(run, following)) return false;
        run = following;
        instances = [.. following.Remembering.Select(stage => stage.MakeInstance(this))];
        return true;
    }

    /// <summary>Whatever was not saved is forgotten.</summary>
    public virtual void Forget() => (run, instances, highest) = (null, [], -1);

    /// <summary>An item comes to a stage: its instance. Any thread of the run.</summary>
    public object Enter(int number)
    {
        for (int known = Volatile.Read(ref highest); number > known; known = Volatile.Read(ref highest)) Interlocked.CompareExchange(ref highest, number, known);
        return instances[number];
    }

    /// <summary>The stages that items may have come to since the last call: one of them, and all that were built before it, which are those behind it.</summary>
    /// <returns>How many, from the first.</returns>
    protected int TakeEntered() => Interlocked.Exchange(ref highest, -1) + 1;

    public object InstanceOf(int number) => instances[number];

    /// <summary>Something comes out of an instance that is no part of an item that went in: an item of its own from here on.</summary>
    /// <param name="node">Which node emitted it.</param>
    /// <param name="item">What.</param>
    /// <returns>Its ticket.</returns>
    public abstract Ticket Emit<T>(int node, T item);

    /// <summary>A number that nothing of this partition has, also over restarts: each is more than the one before. Any thread.</summary>
    public abstract long NextNumber();

    /// <summary>When an instance wants to be called although nothing has come; null for never. Any thread; the clock is the run's.</summary>
    public abstract void SetDue(IDue instance, TimeSpan? after);

    /// <summary>The budget of what is kept in memory of keyed state.</summary>
    public abstract StateMemory Memory { get; }

    /// <summary>The time of day, which never goes back for this partition, also not over restarts.</summary>
    public abstract DateTimeOffset UtcNow { get; }
}

/// <summary>An instance that acts when time has passed.</summary>
internal interface IDue
{
    /// <summary>Its time has come.</summary>
    /// <param name="hold">Settled when it has acted.</param>
    void Act(Ticket? hold);

    /// <summary>The run stops: whatever waits in it gives up.</summary>
    void Abort();
}

/// <summary>A stage whose state is by key.</summary>
internal interface IKeyedStage
{
    /// <summary>Makes the key of an item, a function of the stage's input; null where it is the key that the item was accepted with.</summary>
    Delegate? KeyOf { get; }
}

/// <summary>A stage that has an instance for each partition.</summary>
internal interface IStatefulStage
{
    int Node { get; }

    /// <summary>The name under which its state is stored: the lanes of a node share one, each with keys of its own.</summary>
    string StateName { get; }

    object MakeInstance(StateScope scope);

    /// <summary>The input has ended, and nothing of it is under way: an instance puts out what it holds. What it did is undone, or committed, before it is called again.</summary>
    /// <param name="instance">Made by this; where there are lanes, it ends the keys of all of them.</param>
    /// <param name="scope">What comes out becomes items of its own here.</param>
    /// <param name="keys">Of what is remembered by key, the next some keys.</param>
    /// <param name="hold">What is put out by name hangs on it. Settled by the caller.</param>
    /// <returns>Whether it has more to put out.</returns>
    ValueTask<bool> EndAsync(object instance, StateScope scope, IReadOnlyList<string> keys, Ticket hold);
}
