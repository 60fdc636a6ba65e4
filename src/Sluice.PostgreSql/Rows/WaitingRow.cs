namespace Sluice.PostgreSql;

/// <summary>An entry that left the order, as a round knows it. What is changed here is written at the end of the round.</summary>
internal sealed class WaitingRow(OwnedRow owned, long sequence)
{
    public OwnedRow Owned => owned;
    public long Sequence => sequence;
    public WaitingStatus State { get; private set; }

    /// <summary>While in flight: the state after a release.</summary>
    public WaitingStatus Before { get; private set; }

    /// <summary>In flight in quarantine: a crash is charged to it.</summary>
    public bool IsAlone { get; private set; }
    public int Attempts { get; private set; }
    public long? Due { get; private set; }

    /// <summary>The failing node, and the reason; null if they were not read and do not change.</summary>
    public string? Node { get; private set; }
    public string? Error { get; private set; }

    /// <summary>The bytes that it counts in the backlog.</summary>
    public long Share { get; init; }

    /// <summary>The stored entry; null if it was not read.</summary>
    public byte[]? Body { get; init; }
    public bool IsNew { get; private set; }
    public bool IsChanged { get; private set; }
    public bool IsDeleted { get; private set; }

    /// <summary>Takes over what was read.</summary>
    public WaitingRow As(WaitingStatus state, WaitingStatus before, bool alone, int attempts, long? due)
    {
        (State, Before, IsAlone, Attempts, Due) = (state, before, alone, attempts, due);
        return this;
    }

    /// <summary>Makes a new row.</summary>
    public WaitingRow Insert(WaitingStatus state, int attempts, long? due, string node = "", string error = "")
    {
        (State, Attempts, Due, Node, Error, IsNew) = (state, attempts, due, node, error, true);
        owned.Count(state, 1);
        owned.IsChanged = true;
        return this;
    }

    public void Defer(WaitingStatus state, int attempts, long? due, string node, string error)
    {
        Move(state);
        (IsAlone, Attempts, Due, Node, Error) = (false, attempts, due, node, error);
    }

    public void Lease(bool alone)
    {
        Before = State;
        Move(WaitingStatus.InFlight);
        IsAlone = alone;
    }

    public void Delete()
    {
        owned.Count(State, -1);
        owned.IsChanged = true;
        IsDeleted = true;
    }

    public void Written() => (IsNew, IsChanged) = (false, false);

    private void Move(WaitingStatus state)
    {
        owned.Count(State, -1);
        owned.Count(State = state, 1);
        owned.IsChanged = true;
        IsChanged = true;
    }
}
