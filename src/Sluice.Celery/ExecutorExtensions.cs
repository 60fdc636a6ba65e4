namespace Sluice.Celery;

/// <summary>Adds <c>Executor.Celery</c> to <see cref="Executor"/>.</summary>
public static class ExecutorExtensions
{
    extension(Executor)
    {
        /// <summary>
        /// Executes functions that are written in Python, in Celery workers. To run a processor, the service sends a Celery task to the
        /// broker. The worker that takes it connects to this service, and serves the function over that connection.
        /// </summary>
        /// <remarks>
        /// <para>
        /// The workers are ordinary: <c>celery -A words worker -Q sluice</c>, in an application that has called
        /// <c>sluice.celery.serve(app, worker)</c> of the Python package <c>sluice</c>. A function is found by the name of its processor.
        /// </para>
        /// <para>
        /// The store has all streams and commits; the broker only carries the wish to run a processor. A function whose worker dies is
        /// started again, up to <see cref="SupervisorOptions.MaxStarts"/> times without progress. A task that is lost is sent again; one
        /// that is delivered twice, or late, ends at once and changes nothing. While the broker is away, or no worker reads the queue,
        /// functions wait, and there is a warning. A broker that refuses the password fails the processor.
        /// </para>
        /// <para>
        /// Register the executor with the processors that are in Python (<see cref="Supervisor.Register(Processor, IExecutor)"/>); one
        /// executor can serve several. It belongs to one supervisor, which disposes it. Thread-safe.
        /// </para>
        /// </remarks>
        /// <param name="broker">
        /// The address of the broker, as Celery writes it: <c>redis://:password@host:6379/0</c>, <c>rediss://…</c> with TLS,
        /// <c>amqp://user:password@host:5672/vhost</c>, or <c>amqps://…</c>. Special characters of a password are percent-encoded.
        /// </param>
        /// <param name="options">Queues, limits and timeouts.</param>
        /// <exception cref="ArgumentException">The address cannot be read, or options contradict each other. The message never has the
        /// address, because it may have a password.</exception>
        /// <example><code>
        /// supervisor.Register(words, Executor.Celery("redis://localhost:6379/0"));
        /// </code></example>
        public static IExecutor Celery(string broker, CeleryExecutorOptions? options = null)
        {
            options ??= new();
            options.Check(nameof(options));
            return new CeleryExecutor(Broker.Of(BrokerAddress.Parse(broker)), options);
        }
    }
}
