using System.Collections.Concurrent;
using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Producers;

/// <summary>A directory of logs, and a consecutor that accepts their lines over several lives of its process.</summary>
internal sealed class LogLab : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();
    private readonly ConcurrentQueue<string> warnings = new();
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("logs-");
    private DateTime now = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public string Root => directory.FullName;

    public ResumableLinesOptions Options { get; init; } = new();

    /// <summary>Whether each write is a second later than the one before. The clock of a file system may give two writes one
    /// time.</summary>
    public bool IsSlow { get; init; }

    public IEnumerable<string> Warnings => warnings;

    public string At(params string[] names) => Path.Combine([Root, .. names]);

    public void Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    /// <summary>Appends to a file, like the program that writes the log.</summary>
    public void Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        using (var file = new FileStream(At(name), FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            file.Write(bytes);
        Tell(name);
    }

    public void Move(string from, string to) => File.Move(At(from), At(to));

    public void CopyTruncate(string from, string to)
    {
        File.Copy(At(from), At(to));
        Tell(to);
        using (var file = new FileStream(At(from), FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(0);
        Tell(from);
    }

    public Source<string> Lines(string path = "app.log", ResumableLinesOptions? options = null)
        => Source.ResumableLines("logs", At(path), static line => line.Text.StartsWith("bad", StringComparison.Ordinal)
        ? throw new FormatException(line.Text) : line.Text,
            (options ?? Options) with { OnWarning = warnings.Enqueue });

    /// <summary>Accepts all lines; or <paramref name="items"/> lines, and then the process dies.</summary>
    public async Task AcceptAsync(Source<string> source, int? items = null)
    {
        await using Consecutor<string> consecutor = New(store, static _ => { });
        await ((items is { } count ? source.Take(count) : source) | consecutor).RunAsync();
    }

    /// <summary>Accepts all lines in a process that dies at call number <paramref name="dieAt"/> of the store.</summary>
    /// <returns>Whether it died.</returns>
    public async Task<bool> LiveAsync(Source<string> source, int dieAt, Moment moment)
    {
        var mortal = new MortalStore(store, dieAt, moment);
        Consecutor<string> consecutor = New(mortal, static _ => { });
        PipelineRun run = (source | consecutor).Start();
        await Task.WhenAny(run.Completion, mortal.Died).WaitAsync(TimeSpan.FromMinutes(1));
        if (mortal.Died.IsCompleted) _ = run.CancelAsync();
        else await run.Completion;
        await run.Completion.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default);
        await run.DisposeAsync();
        if (mortal.Died.IsCompleted) await consecutor.AbandonAsync();
        else await consecutor.DisposeAsync();
        return mortal.Died.IsCompleted;
    }

    public PipelineRun Start(Source<string> source, Consecutor<string> consecutor, TimeProvider time)
        => (source | consecutor).Start(new RunOptions { Time = time });

    /// <summary>All accepted lines, in order, and the dead letters.</summary>
    public async Task<(string[] Lines, DeadLetter[] Letters)> AcceptedAsync()
    {
        var seen = new ConcurrentQueue<string>();
        await using Consecutor<string> consecutor = New(store, seen.Enqueue);
        await consecutor.StartAsync();
        await consecutor.WaitForIdleAsync();
        return ([.. seen], await consecutor.ListDeadLettersAsync().ToArrayAsync());
    }

    public Consecutor<string> New(Action<string> see) => New(store, see);

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        directory.Delete(recursive: true);
    }

    private void Tell(string written)
    {
        if (IsSlow) File.SetLastWriteTimeUtc(At(written), now = now.AddSeconds(1));
    }

    private static Consecutor<string> New(IStreamStore store, Action<string> see)
        => new("intake", source => source | see, new()
        {
            Store = store,
            Stream = new() { Partitions = 1 },
            Run = new() { Mode = ExecutionMode.SingleThread },
            Process = new(),
            Delivery = DeliveryGuarantee.Replay(2, Backoff.None)
        });
}
