namespace Sluice.Engine;

/// <summary>The state of one partition in a run: an instance of each stateful stage.</summary>
/// <remarks>
/// The driver of the partition makes, saves and discards instances while no item of the partition is in flight
/// (<see cref="Begin"/>, <see cref="Forget"/>). In between they belong to the stages.
/// </remarks>
internal abstract class StateScope
{
    protected const int InitialMaxEmissions = 50;

    private ItemTracking? run;
    private object[] instances = [];
    private bool[] entered = [];                     // by stage number: whether an item has reached it

    /// <summary>The instances in the current run, by stage number; empty before <see cref="Begin"/>.</summary>
    public IReadOnlyList<object> Instances => instances;

    /// <summary>The most windows, chunks or groups that an instance may put out in one commit. It is smaller for a while after a commit was
    /// too large.</summary>
    public int MaxEmissions { get; set; } = InitialMaxEmissions;

    /// <summary>Whether the instances exist.</summary>
    public bool HasBegun => run is not null;

    /// <summary>Makes new instances for a run. The caller then loads the stored state into them.</summary>
    /// <returns>False if the instances belong to that run already.</returns>
    public bool Begin(ItemTracking following)
    {
        if (ReferenceEquals(run, following)) return false;
        run = following;
        instances = [.. following.Remembering.Select(stage => stage.MakeInstance(this))];
        entered = new bool[instances.Length];
        return true;
    }

    /// <summary>Discards the instances, with all changes that were not saved.</summary>
    public virtual void Forget() => (run, instances, entered) = (null, [], []);

    /// <summary>The instance of a stage that an item has reached. Any thread of the run.</summary>
    public object Enter(int number)
    {
        if (!entered[number]) entered[number] = true;          // a line of memory that lanes share is mostly read
        return instances[number];
    }

    /// <summary>Whether an item has reached a stage since the last call, or what another stage has put out. Used while no item is in
    /// flight.</summary>
    protected bool TakeEntered(int number)
    {
        bool isEntered = entered[number];
        entered[number] = false;
        return isEntered;
    }

    public object InstanceOf(int number) => instances[number];

    /// <summary>Makes a separate item from an output that belongs to no input item.</summary>
    /// <param name="node">The node that put it out.</param>
    /// <param name="item">The output.</param>
    /// <returns>Its ticket; null if it is stored as an item, and must not go on.</returns>
    public abstract Ticket? Emit<T>(int node, T item);

    /// <summary>A number that is unique in this partition and larger than all before, also after restarts. Any thread.</summary>
    public abstract long NextNumber();

    /// <summary>Sets when an instance is called even if no item arrives, by the run's clock. Any thread.</summary>
    /// <param name="instance">The instance.</param>
    /// <param name="after">The time; null for never.</param>
    /// <param name="isForIdle">Whether it is called only when no item was left at that time (<see cref="EmptyAt"/>).</param>
    public abstract void SetDue(IDue instance, TimeSpan? after, bool isForIdle);

    /// <summary>The budget for keyed state in memory.</summary>
    public abstract StateMemory Memory { get; }

    /// <summary>The time of day. It never goes back for this partition, not even after restarts.</summary>
    public abstract DateTimeOffset UtcNow { get; }

    /// <summary>The last time of day at which the partition was seen to have no items left. Items that wait in the store are no idle
    /// input, however long they wait.</summary>
    public abstract DateTimeOffset EmptyAt { get; }
}

/// <summary>An instance that acts when time has passed.</summary>
internal interface IDue
{
    /// <summary>Acts because the time has come.</summary>
    /// <param name="hold">Settled when the instance has acted.</param>
    void Act(Ticket? hold);

    /// <summary>Ends all waits in the instance because the run stops.</summary>
    void Abort();
}

/// <summary>A stage with state by key.</summary>
internal interface IKeyedStage
{
    /// <summary>Makes the key of an item of the stage's input type; null if the key is the one that the item was accepted with.</summary>
    Delegate? KeyOf { get; }
}

/// <summary>A stage with an instance for each partition.</summary>
internal interface IStatefulStage
{
    int Node { get; }

    /// <summary>The name under which its state is stored. The lanes of a node share a name and have different keys.</summary>
    string StateName { get; }

    object MakeInstance(StateScope scope);

    /// <summary>
    /// Makes an instance put out the items it holds, because the input has ended and none of its items is in flight. The result is
    /// committed or undone before the next call.
    /// </summary>
    /// <param name="instance">An instance of this stage; with lanes, it ends the keys of all lanes.</param>
    /// <param name="scope">Makes separate items from the outputs.</param>
    /// <param name="key">The key to end, for state by key; null otherwise.</param>
    /// <param name="hold">The root of named outputs. The caller settles it.</param>
    /// <returns>Whether the instance, or the key, has more to put out.</returns>
    ValueTask<bool> EndAsync(object instance, StateScope scope, string? key, Ticket hold);
}
