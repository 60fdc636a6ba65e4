namespace Sluice;

/// <summary>An instance of a stage that remembers what has gone by, in a run whose state outlives the process: there is one for each partition.</summary>
/// <remarks>
/// Called when nothing of its partition is under way, so never together with a push. What was written and not committed is undone by throwing the instance away: another one
/// begins with what is stored. So nothing in here knows how to go back.
/// </remarks>
internal interface IStateful
{
    /// <summary>Takes what was stored. Called once, before the first item.</summary>
    void Restore(StateReader stored);

    /// <summary>Writes what has changed since the last call.</summary>
    void Save(StateWriter changes);
}

/// <summary>An instance that may have more to put out at the end of its input than one commit takes.</summary>
internal interface IEndsInSteps
{
    /// <summary>Whether there is more: then it is ended once more, after the commit.</summary>
    bool HasMoreToEnd { get; }
}

/// <summary>An instance that keeps the state of many keys, and not all of it in memory.</summary>
internal interface IKeyedStateful : IStateful
{
    /// <summary>Who reads rows that are not in memory.</summary>
    void ReadWith(Func<string, ValueTask<StateReader>> read);

    /// <summary>Whether all rows are in memory: then a key that is not there has no state.</summary>
    bool HasAll { get; }

    /// <summary>How many rows have changed since <see cref="IStateful.Save"/>.</summary>
    int Changes { get; }

    /// <summary>An epoch begins: nothing is evicted until <see cref="IStateful.Save"/>.</summary>
    void Begin();

    /// <summary>Whether the row of a key is to be read before it can be used.</summary>
    bool IsMissing(string key);

    /// <summary>Whether keys were guessed, and most of those that came were others: guessing costs more than it saves.</summary>
    bool AreGuessesWrong { get; }

    /// <summary>Takes rows that were missing.</summary>
    /// <param name="keys">Those that were asked for.</param>
    /// <param name="stored">What there is of them.</param>
    void Fill(IReadOnlyList<string> keys, StateReader stored);

    /// <summary>It is used no more: its rows do not count for the memory's budget.</summary>
    void Retire();
}

/// <summary>An instance that works for another one, which may remember something.</summary>
internal interface IWraps
{
    object Inner { get; }
}

/// <summary>What is stored of one node in one partition: rows with a key.</summary>
internal abstract class StateReader
{
    /// <summary>The keys of the rows that are at hand, in ordinal order.</summary>
    public abstract IReadOnlyList<string> Keys { get; }

    /// <summary>Whether these are all there are.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>The value of a row.</summary>
    public abstract T Get<T>(string key);

    /// <summary>The values of a row that was written with <see cref="StateWriter.PutMany"/>.</summary>
    public abstract List<T> GetMany<T>(string key);

    /// <summary>The row as it is stored, with the version of its form.</summary>
    public abstract (ReadOnlyMemory<byte> Bytes, int Version) Stored(string key);

    public abstract bool Has(string key);
}

/// <summary>What changes of one node in one partition.</summary>
internal abstract class StateWriter
{
    /// <returns>How long the row is, in bytes.</returns>
    public abstract int Put<T>(string key, T value, int version = 0);

    /// <summary>Several values in one row.</summary>
    /// <returns>How long the row is, in bytes.</returns>
    public abstract int PutMany<T>(string key, ReadOnlySpan<T> values);

    /// <summary>A row of the library's own form.</summary>
    /// <returns>How long it is, in bytes.</returns>
    public abstract int PutBytes(string key, byte[] value);

    /// <summary>The row is not there any more.</summary>
    public abstract void Delete(string key);
}
