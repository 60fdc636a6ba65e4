using System.Reactive.Linq;

namespace Sluice.Bench;

/// <summary>0, 1, … count - 1, in the best form for each library.</summary>
internal static class Numbers
{
    public static IEnumerable<long> Range(long count)
    {
        for (long i = 0; i < count; i++) yield return i;
    }

    public static async IAsyncEnumerable<long> RangeAsync(long count)
    {
        await Task.CompletedTask;
        for (long i = 0; i < count; i++) yield return i;
    }

    // Not Observable.Range: its scheduler costs more than the measured work.
    public static IObservable<long> Observable(long count) => System.Reactive.Linq.Observable.Create<long>(observer =>
    {
        for (long i = 0; i < count; i++) observer.OnNext(i);
        observer.OnCompleted();
        return static () => { };
    });

    public static double ExpectedSum(long count) => count * (count - 1) / 2;
}
