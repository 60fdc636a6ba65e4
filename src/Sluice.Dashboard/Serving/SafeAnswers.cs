using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sluice.Dashboard.Access;

namespace Sluice.Dashboard.Serving;

/// <summary>What holds for every answer: its headers, who gets one, and that a failure is told and logged.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed partial class SafeAnswers(AccessGuard guard)
{
    public RequestDelegate To(RequestDelegate answer) => async context =>
    {
        PageEndpoint.Protect(context);
        if (guard.WhyNot(context) is { } refusal)
        {
            await PageEndpoint.RefuseAsync(context, refusal).ConfigureAwait(false);
            return;
        }
        try
        {
            await answer(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The viewer has left.
        }
        catch (Exception e)
        {
            if (context.RequestServices.GetService<ILoggerFactory>()?.CreateLogger("Sluice.Dashboard") is { } log)
                Failed(log, e, context.Request.Path);
            if (context.Response.HasStarted) context.Abort();
            else
                await PageEndpoint.RefuseAsync(context,
                    $"The dashboard has failed: {VisibleText.Show(e.Message)} The log of the program says more.",
                    StatusCodes.Status500InternalServerError).ConfigureAwait(false);
        }
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "The dashboard has failed at {Path}")]
    private static partial void Failed(ILogger log, Exception failure, string path);
}
