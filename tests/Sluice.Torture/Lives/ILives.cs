using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>How a life ended.</summary>
internal enum LifeEnd
{
    Clean,
    Killed,
}

/// <summary>Runs the lives of a case, one after the other, over one store that survives them.</summary>
internal interface ILives : IAsyncDisposable
{
    /// <summary>The directory of the journals and of the file.</summary>
    string Directory { get; }

    /// <exception cref="TortureException">It ended in another way.</exception>
    Task<LifeEnd> RunAsync(int number, LifePlan plan, (long First, int Count) numbers);

    /// <summary>The store, after the last life.</summary>
    Task<IStreamStore> OpenStoreAsync();
}

/// <summary>A life did what it must not: it hung, or ended by itself.</summary>
internal sealed class TortureException(string message) : Exception(message);
