namespace Sluice.Engine;

/// <summary>A stage instance with stored state, in a run whose state outlives the process; there is one for each partition.</summary>
/// <remarks>
/// Called only while no item of its partition is in flight, so never during a push. Uncommitted changes are undone by
/// discarding the instance: a new one starts from the store. So an instance never has to undo anything.
/// </remarks>
internal interface IStateful
{
    /// <summary>Loads the stored state. Called once, before the first item.</summary>
    void Restore(StateReader stored);

    /// <summary>Writes the changes since the last call.</summary>
    void Save(StateWriter changes);
}

/// <summary>An instance with two parts, each of which stores its own state.</summary>
internal interface IStatefulPair : IStateful
{
    IStateful Left { get; }

    IStateful Right { get; }

    void IStateful.Restore(StateReader stored)
    {
        Left.Restore(stored);
        Right.Restore(stored);
    }

    void IStateful.Save(StateWriter changes)
    {
        Left.Save(changes);
        Right.Save(changes);
    }
}

/// <summary>An instance whose outputs at the end of the input, or the rows that are deleted with them, may need several
/// commits.</summary>
internal interface IEndsInSteps
{
    /// <summary>Whether outputs or rows are left: it is then ended once more, after the commit.</summary>
    bool HasMoreToEnd { get; }
}

/// <summary>An instance with the state of many keys, of which only a part is in memory.</summary>
internal interface IKeyedStateful : IStateful
{
    /// <summary>Sets the function that reads the row of a key that is not in memory, and hands it over. It does not return if the code
    /// cannot read the row.</summary>
    void ReadWith(Func<string, Action<StateReader>, ValueTask> read);

    /// <summary>Whether all rows are in memory: a key without a row then has no state.</summary>
    bool HasAll { get; }

    /// <summary>The number of rows changed since <see cref="IStateful.Save"/>.</summary>
    int Changes { get; }

    /// <summary>Begins a round: no row is evicted until <see cref="IStateful.Save"/>.</summary>
    void Begin();

    /// <summary>Whether the row of a key must be read before it can be used.</summary>
    bool IsMissing(string key);

    /// <summary>Whether most predicted keys were wrong, so that predicting costs more than it saves.</summary>
    bool AreGuessesWrong { get; }

    /// <summary>Adds rows that were missing.</summary>
    /// <param name="keys">The keys that were asked for.</param>
    /// <param name="stored">Their rows, where they exist.</param>
    void Fill(IReadOnlyList<string> keys, StateReader stored);

    /// <summary>Retires the instance: its rows no longer count for the memory's budget.</summary>
    void Retire();
}

/// <summary>An instance that wraps another one, which may be stateful.</summary>
internal interface IWraps
{
    object Inner { get; }
}

/// <summary>Reads the stored rows of one node in one partition.</summary>
internal abstract class StateReader
{
    /// <summary>The keys of the loaded rows, in ordinal order.</summary>
    public abstract IReadOnlyList<string> Keys { get; }

    /// <summary>Whether these are all stored rows.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>The value of a row.</summary>
    public abstract T Get<T>(string key);

    /// <summary>The values of a row that was written with <see cref="StateWriter.PutMany{T}(string, ReadOnlySpan{T})"/>.</summary>
    public abstract List<T> GetMany<T>(string key);

    /// <summary>The numbers and the values of a row that was written with both.</summary>
    public abstract List<T> GetMany<T>(string key, out long[] numbers);

    /// <summary>The stored bytes of a row, with the version of their form.</summary>
    public abstract (ReadOnlyMemory<byte> Bytes, int Version) Stored(string key);

    public abstract bool Has(string key);
}

/// <summary>Writes row changes of one node in one partition.</summary>
internal abstract class StateWriter
{
    /// <summary>The most rows of a commit for work that may wait.</summary>
    public const int MaxSpareRows = 250;

    /// <summary>Takes room in the commit for a row that may as well be written or deleted by a later commit.</summary>
    /// <param name="bytes">The length of the row; zero if it is deleted.</param>
    /// <returns>Whether there was room.</returns>
    public virtual bool TryTake(int bytes) => true;

    /// <returns>The length of the row in bytes.</returns>
    public abstract int Put<T>(string key, T value, int version = 0);

    /// <summary>Writes several values into one row.</summary>
    /// <returns>The length of the row in bytes.</returns>
    public abstract int PutMany<T>(string key, ReadOnlySpan<T> values);

    /// <summary>Writes numbers, and several values behind them, into one row.</summary>
    /// <returns>The length of the row in bytes.</returns>
    public abstract int PutMany<T>(string key, ReadOnlySpan<long> numbers, ReadOnlySpan<T> values);

    /// <summary>Writes a row in the library's own form, without the serializer.</summary>
    /// <returns>The length of the row in bytes.</returns>
    public abstract int PutBytes(string key, byte[] value);

    /// <summary>Deletes a row.</summary>
    public abstract void Delete(string key);
}
