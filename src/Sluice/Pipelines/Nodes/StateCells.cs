namespace Sluice;

/// <summary>The state of one node in one partition, by key: in memory what was used, and in the store everything that was committed.</summary>
/// <remarks>Used by the stage, one item at a time; saved and restored when nothing is under way.</remarks>
internal sealed class StateCells<TState>(StatefulForm<TState> form) : IRemembersByKey
{
    // Beyond this, what has not changed is dropped from memory and read again when it is wanted.
    private const int MostAtHand = 100_000;

    private readonly Dictionary<string, Cell> cells = new(StringComparer.Ordinal);
    private readonly List<Cell> changed = [];
    private Func<string, ValueTask<StateReader>>? read;
    private bool hasAll = true;

    /// <summary>Null if the key's state has to be read first (<see cref="ReadAsync"/>).</summary>
    public Cell? Find(string key)
    {
        if (cells.TryGetValue(key, out Cell? known)) return known;
        return hasAll ? Enter(key, form.Initial(key), isStored: false) : null;
    }

    /// <summary>The keys that have a state, in ordinal order, where all of them are in memory.</summary>
    public string[] Keys => [.. cells.Where(static cell => !cell.Value.IsRemoved).Select(static cell => cell.Key).Order(StringComparer.Ordinal)];

    public async ValueTask<Cell> ReadAsync(string key)
    {
        StateReader stored = await read!(key);
        return stored.Has(key) ? Enter(key, form.Read(key, stored), isStored: true) : Enter(key, form.Initial(key), isStored: false);
    }

    public void ReadWith(Func<string, ValueTask<StateReader>> read) => this.read = read;

    public void Restore(StateReader stored)
    {
        hasAll = stored.IsComplete;
        foreach (string key in stored.Keys) Enter(key, form.Read(key, stored), isStored: true);
    }

    public void Save(StateWriter changes)
    {
        foreach (Cell cell in changed)
        {
            cell.IsChanged = false;
            if (!cell.IsRemoved) changes.Put(cell.Key, cell.Value, form.Version);
            else if (cell.IsStored) changes.Delete(cell.Key);
            cell.IsStored = !cell.IsRemoved;
            if (cell.IsRemoved) cells.Remove(cell.Key);
        }
        changed.Clear();
        if (read is null || cells.Count <= MostAtHand) return;
        cells.Clear();
        hasAll = false;
    }

    /// <summary>The cell's value is not what is stored any more.</summary>
    public void Change(Cell cell)
    {
        if (cell.IsChanged) return;
        cell.IsChanged = true;
        changed.Add(cell);
    }

    private Cell Enter(string key, TState value, bool isStored)
    {
        var cell = new Cell(key, value) { IsStored = isStored };
        cells.Add(key, cell);
        return cell;
    }

    internal sealed class Cell(string key, TState value)
    {
        public string Key => key;

        public TState Value { get; set; } = value;

        public bool IsStored { get; set; }

        public bool IsChanged { get; set; }

        public bool IsRemoved { get; set; }
    }
}

/// <summary>How the state of a node begins, and how it is read.</summary>
internal sealed record StatefulForm<TState>(int Version, Func<string, TState> Initial, Func<StoredState, TState> Migrate)
{
    public TState Read(string key, StateReader stored)
    {
        (ReadOnlyMemory<byte> bytes, int version) = stored.Stored(key);
        return version == Version ? stored.Get<TState>(key) : Migrate(new(key, version, bytes));
    }
}
