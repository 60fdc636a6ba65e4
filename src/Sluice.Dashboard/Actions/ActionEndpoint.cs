using Microsoft.AspNetCore.Http.Features;
using Sluice.Dashboard.Access;

namespace Sluice.Dashboard.Actions;

/// <summary>Answers forms: it checks who sends them, does what they ask for, and leads to a page.</summary>
internal sealed class ActionEndpoint(DashboardOptions options, Sampler sampler, AccessGuard guard, FormTokens tokens, PageEndpoint pages,
    CancellationToken stopping)
{
    private const int MaxForm = 1_000_000;

    public async Task AnswerAsync(HttpContext context, string root, DashboardAction action)
    {
        if (!await guard.MayChangeAsync(context).ConfigureAwait(false))
        {
            await PageEndpoint.RefuseAsync(context, options.ReadOnly ? "This dashboard changes nothing (DashboardOptions.ReadOnly)."
                : $"You may look, and not change: the policy '{options.OperatorPolicy}' says who may.").ConfigureAwait(false);
            return;
        }
        if (await ReadFormAsync(context).ConfigureAwait(false) is not { } form)
        {
            if (stopping.IsCancellationRequested)
                await PageEndpoint.RefuseAsync(context, "The program stops, and the form had not arrived. Nothing was changed.",
                    StatusCodes.Status503ServiceUnavailable).ConfigureAwait(false);
            else await PageEndpoint.RefuseAsync(context, "This is no form, or it is longer than 1 MB.", StatusCodes.Status400BadRequest)
                .ConfigureAwait(false);
            return;
        }
        if (!tokens.IsOurs(context, form))
        {
            await PageEndpoint.RefuseAsync(context, "The form is not of this dashboard, or the program was started again since, or another "
                + "instance of the program made the page and has other keys. Load the page again, then repeat.").ConfigureAwait(false);
            return;
        }
        string address = context.Request.PathBase.Add(root);
        var request = new PageRequest(context, address, await sampler.LookAsync().ConfigureAwait(false), sampler, options, MayChange: true);
        ActionOutcome? outcome = null;
        Html.Page problem = await PageEndpoint.DrawAsync(request, async page =>
        {
            outcome = await action(new(page, form, stopping)).ConfigureAwait(false);
            return outcome.Page ?? new("Done", []);
        }, Timeout.InfiniteTimeSpan).ConfigureAwait(false);
        sampler.LookAgain();
        if (outcome?.Address is { } next)
        {
            context.Response.StatusCode = StatusCodes.Status303SeeOther;
            context.Response.Headers.Location = next;
        }
        else await pages.WriteAsync(context, problem, address).ConfigureAwait(false);
    }

    private async Task<IFormCollection?> ReadFormAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType || context.Request.ContentLength > MaxForm) return null;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = MaxForm;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            return await context.Request.ReadFormAsync(new FormOptions { BufferBodyLengthLimit = MaxForm, ValueLengthLimit = MaxForm },
                ends.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidDataException or BadHttpRequestException
            || (e is OperationCanceledException && stopping.IsCancellationRequested))
        {
            return null;                             // also a form that arrives slowly while the program stops: it would hold up the stop
        }
    }
}
