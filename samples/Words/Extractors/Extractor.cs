using Sluice.Flows;
using Sluice.Hosting;

namespace Words.Extractors;

/// <summary>What executes the extractor, with all that it needs.</summary>
internal abstract class Extractor : IAsyncDisposable
{
    /// <param name="name">local, python or celery.</param>
    public static Extractor Of(string name) => name switch
    {
        "python" => new PythonExtractor(),
        "celery" => new CeleryExtractor(),
        _ => new LocalExtractor(),
    };

    /// <summary>The directory with words.py and the package sluice: beside this program.</summary>
    protected static string PythonDirectory { get; } = Path.Combine(AppContext.BaseDirectory, "python");

    /// <summary>Starts the servers and workers that it needs.</summary>
    /// <exception cref="UserMistake">One of them is not installed.</exception>
    public virtual Task StartAsync(CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>Registers the processor <see cref="WordFlow.Extract"/>.</summary>
    public abstract void AddTo(SluiceBuilder sluice);

    /// <summary>Kills a process of it by SIGKILL.</summary>
    /// <returns>False if there is none at present.</returns>
    public virtual Task<bool> KillAsync(Random random, CancellationToken cancellation) => Task.FromResult(false);

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>This program, in C#.</summary>
internal sealed class LocalExtractor : Extractor
{
    public override void AddTo(SluiceBuilder sluice) => sluice.AddProcessor(WordFlow.Extract, WordFlow.ExtractAsync);
}

/// <summary>Python, in child processes that the supervisor starts and ends.</summary>
internal sealed class PythonExtractor : Extractor
{
    public override void AddTo(SluiceBuilder sluice)
        => sluice.AddProcessor(WordFlow.Extract, Executor.Python("words", new() { Python = new() { ImportPaths = [PythonDirectory] } }));

    public override Task<bool> KillAsync(Random random, CancellationToken cancellation)
    {
        int[] children = [.. Processes.ChildrenOf(Environment.ProcessId, "sluice.worker")];
        return Task.FromResult(children.Length > 0 && Processes.Kill(children[random.Next(children.Length)]));
    }
}
