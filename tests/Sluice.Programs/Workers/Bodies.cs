using System.Diagnostics;
using Sluice;

namespace Sluice.Programs;

/// <summary>What the worker processes of tests do. Items say by themselves what is to happen.</summary>
public static class Bodies
{
    public static WorkerBody? Find(string name) => name switch
    {
        "double" => WorkerBody.Of(Pipe.Of<int>() | (n => 2 * n)),
        "text" => WorkerBody.Of(Pipe.Of<string>() | Obey),
        "repeat" => WorkerBody.Of(Pipe.Of<int>() | Repeat),
        "lanes" => WorkerBody.Of(Pipe.Of<int>() | WaitAsync | Stage.Parallel(8).Unordered),
        "stages" => WorkerBody.Of(Pipe.Of<int>() | (n => n + 1) | [s => s | (n => n * 10), s => s.Where(n => n % 2 == 0)]),
        "skips" => WorkerBody.Of(Pipe.Of<int>() | Even | Stage.OnError(ErrorPolicy.Skip)),
        "letters" => WorkerBody.Of(Pipe.Of<int>() | Even | Stage.OnError(ErrorPolicy.DeadLetter)),
        "attempts" => WorkerBody.Of(Pipe.Of<string>() | Even2 | Stage.Retry(2, Backoff.None)),
        "bytes" => WorkerBody.Of(Pipe.Of<byte[]>() | Same),
        "remembers" => WorkerBody.Of(Pipe.Of<int>().Distinct()),
        "chunks" => WorkerBody.Of(Pipe.Of<int>().Chunk(3)),
        "pid" => WorkerBody.Of(Pipe.Of<int>() | Pid),
        "traces" => WorkerBody.Of(Pipe.Of<int>() | Trace),
        "spans" => ListenToSpans(),
        "exits" => throw new UnreachableException(),
        _ => null,
    };

    /// <summary>Does what the item says: <c>die N</c>, <c>throw TEXT</c>, <c>hang</c>, <c>once FILE VERB</c> only the first time; else it
    /// is put out.</summary>
    private static string Obey(string item)
    {
        if (item.StartsWith("once ", StringComparison.Ordinal))
        {
            string[] parts = item.Split(' ', 3);
            if (File.Exists(parts[1])) return item;
            File.WriteAllText(parts[1], "");
            Obey(parts[2]);
        }
        if (item.StartsWith("die ", StringComparison.Ordinal))
            Environment.Exit(int.Parse(item[4..], System.Globalization.CultureInfo.InvariantCulture));
        if (item == "kill") Process.GetCurrentProcess().Kill();
        if (item.StartsWith("throw ", StringComparison.Ordinal)) throw new FormatException(item[6..]);
        if (item == "hang") Thread.Sleep(Timeout.Infinite);
        if (item == "print") Console.WriteLine("printed by a worker");
        return item;
    }

    /// <summary>The trace and the parent of a span of its own.</summary>
    private static string Trace(int n)
    {
        string parent = Activity.Current?.ParentSpanId.ToString() ?? "";
        using Activity own = new Activity("own").Start();
        return $"{own.TraceId} {parent}";
    }

    /// <summary>A body with a listener in its process: zero fails, other items show the spans of functions that have ended.</summary>
    private static WorkerBody ListenToSpans()
    {
        List<string> ended = [];
        ActivitySource.AddActivityListener(new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Sluice",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (span.OperationName != "sluice.function") return;
                lock (ended) ended.Add($"{span.DisplayName} {span.TraceId} {span.ParentSpanId} {span.GetTagItem("error.type") ?? "fine"}");
            },
        });
        return WorkerBody.Of(Pipe.Of<int>() | (n =>
        {
            if (n == 0) throw new FormatException("zero");
            lock (ended) return ended.ToArray();
        }));
    }

    private static IEnumerable<int> Repeat(int n) => Enumerable.Repeat(n, n % 4);

    private static async Task<int> WaitAsync(int n, CancellationToken cancellation)
    {
        await Task.Delay(n % 3, cancellation);
        return n;
    }

    private static int Even(int n) => n % 2 == 0 ? n : throw new FormatException($"{n} is odd");

    private static byte[] Same(byte[] bytes) => bytes;

    private static int Pid(int n) => Environment.ProcessId;

    private static int attempts;

    private static string Even2(string item) => ++attempts % 3 == 0 ? item : throw new FormatException("not yet");
}
