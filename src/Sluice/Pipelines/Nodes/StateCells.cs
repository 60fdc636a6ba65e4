namespace Sluice.Pipelines;

/// <summary>The state of one node in one partition, by key: the recently used keys in memory, and all committed keys in the
/// store.</summary>
/// <remarks>Locking rule: none; the stage uses it for one item at a time. Saved and restored while no item is in flight; rows are evicted
/// in between.</remarks>
internal class StateCells<TState>(StatefulForm<TState> form, StateMemory? memory = null) : CachedRows, IKeyedStateful
{
    private const int MaxWrongGuesses = 64;
    private const int CellBytes = 200;               // of a cell and its place in the dictionary
    private const int MaxUnset = 1024;               // enough that few keys keep their initial state until one is set

    private readonly Dictionary<string, Cell> cells = new(StringComparer.Ordinal);
    private readonly List<Cell> changed = [];
    private Queue<Cell>? unset;                      // the newest without a state, if changes are not saved
    private Func<string, Action<StateReader>, ValueTask>? read;
    private Cell? newest, oldest;                    // a list by use
    private long size;
    private long tick;
    private bool hasAll = true;
    private int readAhead, readAlone;                // rows that were read before they were asked for, and one by one

    public override long OldestTick => oldest?.Tick ?? long.MaxValue;

    /// <summary>Whether changes are saved to a store; not in a run without one, whose state ends with the run.</summary>
    public bool AreSaved { get; init; } = true;

    /// <summary>The partition; null in a run whose state ends with it.</summary>
    public StateScope? Scope { get; init; }

    public bool HasAll => hasAll;

    public int Changes => changed.Count;

    public bool AreGuessesWrong => readAhead >= MaxWrongGuesses && readAlone > readAhead / 2;

    protected override long Size => size;

    /// <summary>Null if the key's state has to be read first (<see cref="ReadAsync"/>).</summary>
    public virtual Cell? Find(string key) => FindHere(key);

    /// <summary>The keys that have a state, in ordinal order, where all of them are in memory.</summary>
    public string[] Keys => [.. cells
        .Where(cell => cell.Value is { IsRemoved: false, IsBlank: false } && (AreSaved || cell.Value.IsChanged))
        .Select(static cell => cell.Key).Order(StringComparer.Ordinal)];

    /// <summary>The same for a key whose state is not in memory.</summary>
    public virtual ValueTask<Cell> ReadAsync(string key) => ReadHereAsync(key);

    /// <summary>The input has ended, and the key has put out what it holds.</summary>
    public virtual void EndKey(string key) { }

    protected Cell? FindHere(string key)
    {
        if (cells.TryGetValue(key, out Cell? known))
        {
            if (known.Tick != tick) Touch(known);
            if (known.IsBlank) Begin(known);
            return known;
        }
        return hasAll ? BeginNew(key) : null;
    }

    protected async ValueTask<Cell> ReadHereAsync(string key)
    {
        StateKeys.Check(key);
        await read!(key, stored => Enter(key, stored));
        if (readAlone < int.MaxValue) readAlone++;
        return FindHere(key)!;
    }

    public void ReadWith(Func<string, Action<StateReader>, ValueTask> read) => this.read = read;

    public void Begin()
    {
        Enter();
        tick = memory?.NextTick() ?? 0;
    }

    public bool IsMissing(string key) => !hasAll && !cells.ContainsKey(key) && StateKeys.Why(key) is null;

    public void Fill(IReadOnlyList<string> keys, StateReader stored)
    {
        readAhead = (int)Math.Min((long)readAhead + keys.Count, int.MaxValue);
        foreach (string key in keys)
            if (!cells.ContainsKey(key)) Enter(key, stored);
    }

    public void Restore(StateReader stored)
    {
        hasAll = stored.IsComplete;
        foreach (string key in stored.Keys) Enter(key, stored);
    }

    public void Save(StateWriter changes)
    {
        foreach (Cell cell in changed)
        {
            cell.IsChanged = false;
            if (!cell.IsRemoved) Resize(cell, form.Write(changes, cell.Key, cell.Value));
            else if (cell.IsStored) changes.Delete(cell.Key);
            cell.IsStored = !cell.IsRemoved;
            if (cell.IsRemoved) Drop(cell);
        }
        changed.Clear();
        if (memory is not null) Leave(memory);
    }

    public void Retire() => memory?.Forget(this);

    /// <summary>The cell's value is not what is stored any more.</summary>
    public void Change(Cell cell)
    {
        if (cell.IsChanged) return;
        cell.IsChanged = true;
        if (AreSaved) changed.Add(cell);
    }

    /// <summary>Takes the cell back to what it was before an item that has failed.</summary>
    public void TakeBack(Cell cell, TState value, bool isRemoved, bool wasChanged)
    {
        (cell.Value, cell.IsRemoved) = (value, isRemoved);
        if (AreSaved) return;                        // the commit fails with the item
        cell.IsChanged = wasChanged;
        Free(cell);
    }

    /// <summary>Frees the memory of keys without a state, if changes are not saved. Called after each item and timer of the key.</summary>
    public void Free(Cell cell)
    {
        if (AreSaved) return;
        if (cell.IsRemoved) Drop(cell);
        else if (cell is { IsChanged: false, IsUnset: false })
        {
            cell.IsUnset = true;
            unset ??= new();
            unset.Enqueue(cell);
            if (unset.Count > MaxUnset && unset.Dequeue() is { IsChanged: false } oldest) Drop(oldest);
        }
    }

    protected override void EvictOldest()
    {
        Drop(oldest!);
        hasAll = false;
    }

    // A state whose migration fails, fails the items of its key only. Another state that cannot be read gets no cell: with one, the key
    // would begin anew, and the next commit would write over the stored row.
    private void Enter(string key, StateReader stored)
    {
        if (!stored.Has(key))
        {
            Add(key, 0);
            return;
        }
        (TState? value, StateMigrationException? failure) = (default, null);
        try
        {
            value = form.Read(key, stored);
        }
        catch (StateMigrationException e)
        {
            failure = e;
        }
        Cell cell = Add(key, stored.Stored(key).Bytes.Length);
        (cell.IsStored, cell.IsBlank, cell.Failure) = (true, failure is not null, failure);
        if (failure is null) cell.Value = value!;
    }

    /// <summary>Makes the cell of a key that nothing is stored for. A key that is refused, or has no first value, leaves no cell.</summary>
    private Cell BeginNew(string key)
    {
        Cell made = Add(key, 0);
        try
        {
            return Begin(made);
        }
        catch
        {
            Drop(made);
            throw;
        }
    }

    /// <summary>Gives a cell its first value.</summary>
    private Cell Begin(Cell cell)
    {
        if (cell.Failure is { } failure) throw failure;
        StateKeys.Check(cell.Key);
        cell.Value = form.Initial(cell.Key);
        cell.IsBlank = false;
        return cell;
    }

    private Cell Add(string key, int length)
    {
        var cell = new Cell(key) { IsBlank = true };
        cells.Add(key, cell);
        Resize(cell, length);
        Touch(cell);
        return cell;
    }

    private void Resize(Cell cell, int length)
    {
        int now = CellBytes + (2 * cell.Key.Length) + (2 * length);
        size += now - cell.Size;
        cell.Size = now;
    }

    private void Touch(Cell cell)
    {
        cell.Tick = tick;
        if (cell == newest) return;
        Unlink(cell);
        cell.Older = newest;
        if (newest is not null) newest.Newer = cell;
        newest = cell;
        oldest ??= cell;
    }

    private void Drop(Cell cell)
    {
        cells.Remove(cell.Key);
        Unlink(cell);
        size -= cell.Size;
    }

    private void Unlink(Cell cell)
    {
        if (cell.Newer is not null) cell.Newer.Older = cell.Older;
        else if (newest == cell) newest = cell.Older;
        if (cell.Older is not null) cell.Older.Newer = cell.Newer;
        else if (oldest == cell) oldest = cell.Newer;
        (cell.Newer, cell.Older) = (null, null);
    }

    internal sealed class Cell(string key)
    {
        public string Key => key;

        public TState Value { get; set; } = default!;

        public bool IsStored { get; set; }

        public bool IsChanged { get; set; }

        public bool IsRemoved { get; set; }

        /// <summary>Whether it was noted that it had no state, if changes are not saved.</summary>
        public bool IsUnset { get; set; }

        /// <summary>Whether it has no value yet: nothing is stored, or what is cannot be read.</summary>
        public bool IsBlank { get; set; }

        public StateMigrationException? Failure { get; set; }

        public int Size { get; set; }

        public long Tick { get; set; }

        public Cell? Newer { get; set; }

        public Cell? Older { get; set; }
    }
}
