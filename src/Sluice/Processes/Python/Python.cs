using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Processes;

namespace Sluice;

/// <summary>
/// Stages whose function is written in Python. It runs in child processes, <c>python3 -m sluice.worker MODULE</c>, which the run starts and
/// ends.
/// </summary>
/// <remarks>
/// <para>
/// A module registers functions with <c>@worker.stage</c> of the Python package <c>sluice</c>, which the interpreter must find: by
/// <c>pip install ./clients/python</c>, or by <see cref="PythonOptions.ImportPaths"/>. <c>| Stage.Parallel(4)</c> behind the stage makes
/// it four processes; without it there is one.
/// </para>
/// <para>
/// The stage is as one of <see cref="Pipe.InProcesses"/>: results keep the order of the items, unless it is <see cref="Stage.Unordered"/>;
/// a child that ends is replaced, and its unanswered items are repeated; <see cref="Stage.Retry"/>, <see cref="Stage.Timeout"/> and
/// <see cref="Stage.OnError"/> apply to each item. A function that raises fails its item with a <see cref="WorkerException"/>, whose text
/// has the end of the traceback. The run fails at once if Python, the virtual environment, the package, the module or the function is not
/// there, or the function is annotated with types that JSON of the item or result type never has.
/// </para>
/// </remarks>
/// <example><code>
/// Source.Lines("texts.txt") | Python.Map&lt;string, int&gt;("words:length") | Stage.Parallel(4) | Save
/// </code></example>
public static class Python
{
    private const int MaxBatchItems = 2048;          // a child has two lists of ProcessOptions.MaxItemsPerWorker

    /// <summary>A stage whose function gets one item, and returns its result; a generator has any number of results.</summary>
    /// <typeparam name="TIn">The type of items.</typeparam>
    /// <typeparam name="TOut">The type of results.</typeparam>
    /// <param name="function">The name as <c>module:function</c>: <c>words:length</c>, or <c>shop.words:length</c>; with the name of the
    /// <c>Worker</c> if the module has several: <c>shop.words:worker:length</c>.</param>
    /// <param name="options">The interpreter, limits and timeouts.</param>
    /// <exception cref="ArgumentException">The function has an invalid name, or an option cannot be used.</exception>
    /// <exception cref="PayloadException">An item or result type does not survive serialization.</exception>
    public static Pipe<TIn, TOut> Map<TIn, TOut>(string function, PythonStageOptions? options = null)
    {
        options ??= new();
        return Of<TIn, TOut>(function, options.Process, new(function, options, maxBatch: null, Types<TIn, TOut>(options)));
    }

    /// <summary>
    /// A stage whose function gets a list of items, and returns a list with one result for each: for numpy and models. It is registered
    /// with <c>@worker.stage(batch=True)</c>.
    /// </summary>
    /// <remarks>
    /// A list has the items that have come when the function is free, at least one. The child has up to two lists of items, unless
    /// <see cref="ProcessOptions.MaxItemsPerWorker"/> is set. A list that fails is given again, each item alone, so that only the items at
    /// fault fail. With a <see cref="Stage.Timeout"/> each list has one item.
    /// </remarks>
    /// <typeparam name="TIn">The type of items.</typeparam>
    /// <typeparam name="TOut">The type of results.</typeparam>
    /// <param name="function">The name, as for <see cref="Map"/>.</param>
    /// <param name="maxItems">The largest number of items in a list, 1 to 2,048; <c>batch=N</c> in Python may set a smaller one.</param>
    /// <param name="options">The interpreter, limits and timeouts.</param>
    /// <exception cref="ArgumentException">The function has an invalid name, or an option cannot be used.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    /// <exception cref="PayloadException">An item or result type does not survive serialization.</exception>
    public static Pipe<TIn, TOut> Batch<TIn, TOut>(string function, int maxItems = 128, PythonStageOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxItems, MaxBatchItems);
        options ??= new();
        ProcessOptions process = options.Process;
        return Of<TIn, TOut>(function, process with { MaxItemsPerWorker = process.MaxItemsPerWorker ?? 2 * maxItems },
            new(function, options, maxItems, Types<TIn, TOut>(options)));
    }

    private static string Types<TIn, TOut>(PythonStageOptions options)
        => PythonTypes.Of(typeof(TIn), typeof(TOut), options.Process.Serializers);

    private static Pipe<TIn, TOut> Of<TIn, TOut>(string function, ProcessOptions options, PythonStageProgram program)
    {
        var open = new OpenSource<TIn>();
        return new(open, new ProcessSource<TIn, TOut>(open, new(function, options, program), StageOptions.Default));
    }
}
