namespace Sluice.Tests.Graphs;

/// <summary>The garbage collector, for tests of what is kept alive.</summary>
internal static class Garbage
{
    /// <summary>Collects until objects are gone. A thread on its way out may hold them for a moment.</summary>
    public static async Task CollectAsync(params WeakReference[] objects)
    {
        for (var rounds = new Rounds(100); Array.Exists(objects, static one => one.IsAlive);)
        {
            Assert.True(await rounds.GoOnAsync(), "Something keeps them alive.");
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Yield();
        }
    }
}
