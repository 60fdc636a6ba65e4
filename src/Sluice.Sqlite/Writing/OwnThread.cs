namespace Sluice.Sqlite;

/// <summary>Runs long work on its own thread, so that it does not block the thread pool.</summary>
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
        { IsBackground = true, Name = name }.UnsafeStart();
        return source.Task;
    }
}
