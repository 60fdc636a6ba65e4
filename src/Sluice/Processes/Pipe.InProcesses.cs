namespace Sluice;

public static partial class Pipe
{
    /// <summary>A stage that works in other processes: copies of this program, which the run starts and ends. Each item goes to one of them, through the body of that name there, and its results come back.</summary>
    /// <remarks>
    /// <para>The first line of <c>Main</c> is <c>if (await Worker.TryRunAsWorkerAsync(args, name => …)) return;</c>, where bodies are found by their names.</para>
    /// <para>
    /// Results keep the order of the items, unless the stage is <see cref="Stage.Unordered"/>. A worker that ends is replaced, and what it had not answered is done again by others; results of one item
    /// go on when all of them are there, once. An item that ends workers, or fails in the body, is subject to the stage's <see cref="Stage.Retry"/>, <see cref="Stage.Timeout"/> and <see cref="Stage.OnError"/>.
    /// At most <see cref="RunOptions.MaxBufferedItems"/> items are in the stage.
    /// </para>
    /// </remarks>
    /// <typeparam name="TIn">What the body takes.</typeparam>
    /// <typeparam name="TOut">What comes out of it.</typeparam>
    /// <param name="body">The name of the body.</param>
    /// <param name="options">How many workers there are, and what they may do.</param>
    /// <exception cref="PayloadException">An item or a result would not come back from its payload as it was.</exception>
    public static Pipe<TIn, TOut> InProcesses<TIn, TOut>(string body, ProcessOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(body);
        options ??= new();
        var open = new OpenSource<TIn>();
        return new(open, new ProcessSource<TIn, TOut>(open, new(body, options), StageOptions.Default));
    }
}
