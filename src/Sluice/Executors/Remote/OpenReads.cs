using Sluice.ChildProcesses;

namespace Sluice.Executors;

/// <summary>The reads of a remote function that are not answered.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class OpenReads
{
    private readonly Lock sync = new();
    private readonly Dictionary<long, TaskCompletionSource?> open = [];       // the source is made for a wait

    /// <exception cref="InvalidDataException">A read with this question is open: what waits for it would wait for ever.</exception>
    public void Begin(long question)
    {
        lock (sync)
            if (!open.TryAdd(question, null)) throw new InvalidDataException($"the question {question} while one of this number is open.");
    }

    /// <summary>Ends a read, behind its answer. Does nothing for other questions.</summary>
    public void End(long question)
    {
        TaskCompletionSource? ended;
        lock (sync) open.Remove(question, out ended);
        ended?.TrySetResult();
    }

    /// <summary>Completes when one of several reads has ended; one that is not open has.</summary>
    /// <param name="questions">Their questions, as a message has them.</param>
    public Task FirstOf(ReadOnlySpan<byte> questions)
    {
        List<Task> all = [];
        lock (sync)
            while (!questions.IsEmpty)
            {
                long question = FrameReader.Number(ref questions);
                if (!open.TryGetValue(question, out TaskCompletionSource? ended)) return Task.CompletedTask;
                ended ??= open[question] = new(TaskCreationOptions.RunContinuationsAsynchronously);
                all.Add(ended.Task);
            }
        return all.Count == 0 ? Task.CompletedTask : Task.WhenAny(all);
    }
}
