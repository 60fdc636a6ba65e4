using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Processes;

namespace Sluice;

public static partial class Pipe
{
    /// <summary>
    /// A stage whose body runs in worker processes: copies of this program, which the run starts and ends. Each item goes to one worker,
    /// and its results come back.
    /// </summary>
    /// <remarks>
    /// <para>The first line of <c>Main</c> is <c>if (await Worker.TryRunAsWorkerAsync(args, name => …)) return;</c>, which finds bodies by
    /// name.</para>
    /// <para>
    /// Results keep the order of the items, unless the stage is <see cref="Stage.Unordered"/>. The results of an item go on once, when all
    /// of them are there. A worker that ends is replaced, and its unanswered items are repeated. <see cref="Stage.Retry"/>,
    /// <see cref="Stage.Timeout"/> and <see cref="Stage.OnError"/> apply to each item. An item that has ended
    /// <see cref="ProcessOptions.MaxCrashes"/> workers fails without further retries. The stage holds at most
    /// <see cref="RunOptions.MaxBufferedItems"/> items.
    /// </para>
    /// </remarks>
    /// <typeparam name="TIn">The type of the body's items.</typeparam>
    /// <typeparam name="TOut">The type of the body's results.</typeparam>
    /// <param name="body">The name of the body.</param>
    /// <param name="options">The number of workers, their program and limits.</param>
    /// <exception cref="PayloadException">An item or result type does not survive serialization.</exception>
    public static Pipe<TIn, TOut> InProcesses<TIn, TOut>(string body, ProcessOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(body);
        options ??= new();
        var open = new OpenSource<TIn>();
        return new(open, new ProcessSource<TIn, TOut>(open, new(body, options, new BodyProgram(body, options)), StageOptions.Default));
    }
}
