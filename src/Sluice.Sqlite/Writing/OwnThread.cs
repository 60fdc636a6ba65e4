namespace Sluice.Sqlite;

/// <summary>Runs something long on a thread of its own, so that the pool's are not held up.</summary>
internal static class OwnThread
{
    public static Task<T> RunAsync<T>(string name, Func<T> work)
    {
        var source = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                source.SetResult(work());
            }
            catch (Exception failure)
            {
                source.SetException(failure);
            }
        })
        { IsBackground = true, Name = name }.Start();
        return source.Task;
    }
}
