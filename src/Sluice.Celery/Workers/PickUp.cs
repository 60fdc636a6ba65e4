using System.Security.Cryptography;

namespace Sluice.Celery;

/// <summary>
/// A call that waits for a worker. Each task for it has a secret of its own; the first worker that says one of them gets it.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class PickUp
{
    private readonly Lock sync = new();
    private readonly List<string> secrets = [];
    private readonly TaskCompletionSource<WorkerConnection> arrival = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when a worker has connected.</summary>
    public Task<WorkerConnection> Arrival => arrival.Task;

    /// <summary>Gives the call to a worker.</summary>
    /// <returns>False if it has one, or needs none any more.</returns>
    public bool TryTake(WorkerConnection worker) => arrival.TrySetResult(worker);

    /// <summary>Refuses later workers.</summary>
    /// <returns>The worker that has come; null if there is none.</returns>
    public WorkerConnection? Close()
    {
        arrival.TrySetCanceled();
        return arrival.Task.IsCompletedSuccessfully ? arrival.Task.Result : null;
    }

    /// <summary>Makes a secret, and remembers the key by which it is found.</summary>
    public byte[] MakeSecret(out string key)
    {
        byte[] secret = RandomNumberGenerator.GetBytes(WorkerHello.SecretBytes);
        key = KeyOf(secret);
        lock (sync) secrets.Add(key);
        return secret;
    }

    public string[] Keys
    {
        get
        {
            lock (sync) return [.. secrets];
        }
    }

    /// <summary>The key by which a secret is found: a hash, so that the time of a look-up says nothing about secrets.</summary>
    public static string KeyOf(byte[] secret) => Convert.ToHexString(SHA256.HashData(secret));
}
