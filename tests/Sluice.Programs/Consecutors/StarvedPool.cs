using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Programs;

/// <summary>Handlers hold all threads of the pool for longer than a lease: whoever has the partitions keeps them.</summary>
internal static class StarvedPool
{
    private const int Threads = 2;
    private static readonly GroupId Group = new("work", "work");
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);

    // This thread is none of the pool's, and awaits nothing while the pool is starved.
    public static int Run()
    {
        int threads = Math.Max(Threads, Environment.ProcessorCount);
        if (!ThreadPool.SetMinThreads(threads, threads) || !ThreadPool.SetMaxThreads(threads, threads))
            return Say(5, "The pool cannot be made so small.");
        var clock = new TestClock();
        var store = new MemoryStreamStore(clock);
        using var held = new CountdownEvent(threads);
        using var go = new ManualResetEventSlim();
        var busy = new Consecutor<int>("work", source => source | (_ => Hold(held, go)) | Stage.Parallel(threads), Options("busy"));
        var other = new Consecutor<int>("work", source => source | (_ => { }), Options("other"));
        busy.StartAsync().GetAwaiter().GetResult();
        other.StartAsync().GetAwaiter().GetResult();
        busy.SendAllAsync([.. Enumerable.Range(0, 4 * threads)]).AsTask().GetAwaiter().GetResult();
        held.Wait();
        bool isStarved = true;
        ThreadPool.UnsafeQueueUserWorkItem(_ => Volatile.Write(ref isStarved, false), null);
        for (int beat = 0; beat < 9; beat++)
        {
            (long first, long second) = (Beats("busy"), Beats("other"));
            clock.Advance(LeaseTime / 3);
            while (Beats("busy") == first || Beats("other") == second) Thread.Yield();
        }
        if (!Volatile.Read(ref isStarved)) return Say(4, "The pool is not starved.");
        go.Set();
        ConsecutorSnapshot books = busy.WaitForIdleAsync().GetAwaiter().GetResult();
        for (int beat = 0; beat < 3; beat++)
        {
            long seen = Beats("other");
            clock.Advance(LeaseTime / 3);
            while (Beats("other") == seen) Thread.Yield();
        }
        string owners = string.Join(' ', store.FindGroupAsync(Group).AsTask()
            .Result!.Partitions.Select(partition => $"{partition.Owner}:{partition.Epoch}"));
        return Say(0, $"completed {books.Completed} of {4 * threads} owners {owners}");

        long Beats(string name) => store.FindGroupAsync(Group).AsTask().Result!.Members.First(member => member.Name == name).Heartbeats;

        ConsecutorOptions Options(string name) => new()
        {
            InstanceId = name,
            Store = store,
            LeaseDuration = LeaseTime,
            Stream = new() { Partitions = 1 },          // two would be shared
            Run = new() { Time = clock },
        };
    }

    private static void Hold(CountdownEvent held, ManualResetEventSlim go)
    {
        if (!held.IsSet) held.Signal();
        go.Wait();
    }

    private static int Say(int exitCode, string text)
    {
        Console.WriteLine(text);
        return exitCode;
    }
}
